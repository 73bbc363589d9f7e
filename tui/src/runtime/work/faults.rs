//! What is broken on purpose in the local cloud: tells it, whoever ordered it, and carries orders out.

use std::time::Duration;

use tailwater_core::{
    app::{FaultOrder, Message},
    faults::{Order, Standing},
};
use tokio::sync::mpsc::Sender;

use super::Running;
use crate::target::{OrderError, Orders, Target};

/// Between two looks at what is on: another terminal may have ordered it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Running {
    /// Gives the local cloud an order, and tells what is on then.
    pub(in crate::runtime) fn order(&self, order: FaultOrder) {
        self.on_target(move |shared, target| async move {
            // One after another: each looks at what the one before it has left.
            let one = shared.ordering.lock().await;
            let answer = carry_out(&target, order).await;
            drop(one);
            shared.say(Message::Faults(answer.map_err(|error| error.to_string()))).await;
        });
    }
}

async fn carry_out(target: &Target, order: FaultOrder) -> Result<Vec<Standing>, OrderError> {
    let Some(orders) = Orders::to(target)? else { return Ok(Vec::new()) };
    match order {
        FaultOrder::Put(order) => replace(&orders, Vec::new(), &order).await?,
        FaultOrder::Replace(ids, order) => replace(&orders, ids, &order).await?,
        FaultOrder::TakeBack(ids) => {
            orders.take_back(Some(&ids)).await?;
        }
        FaultOrder::Clear => {
            orders.take_back(None).await?;
        }
    }
    orders.list().await
}

/// Gives an order in place of these, and of what stands of its kind: keys come faster than what is on
/// is told.
async fn replace(orders: &Orders, mut ids: Vec<String>, order: &Order) -> Result<(), OrderError> {
    let same = |standing: &Standing| standing.order.as_ref().is_some_and(|known| known.kind == order.kind);
    ids.extend(orders.list().await?.into_iter().filter(same).map(|standing| standing.id));
    if !ids.is_empty() {
        orders.take_back(Some(&ids)).await?;
    }
    orders.put(order).await?;
    Ok(())
}

/// Tells what is on whenever that has changed, as long as someone listens.
pub(super) async fn tell(target: Target, messages: Sender<Message>) {
    let Ok(Some(orders)) = Orders::to(&target) else { return };
    let mut told = Ok(Vec::new());
    let mut next_look = tokio::time::interval(LOOK_EVERY);
    next_look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = next_look.tick() => {}
            () = messages.closed() => return,
        }
        let answer = orders.list().await.map_err(|error| error.to_string());
        if answer != told {
            told.clone_from(&answer);
            if messages.send(Message::Faults(answer)).await.is_err() {
                return;
            }
        }
    }
}
