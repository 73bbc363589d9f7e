//! The page itself. What stands in braces is escaped; drawings are ours, and stand as they are.

use askama::Template;

/// The page.
#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="Tailwater {{ version }}">
<title>{{ verdict_sign }} Tailwater smoke test: {{ verdict }}</title>
<style>
:root { color-scheme: light dark;
  --ground: #ffffff; --panel: #f5f6f8; --line: #d9dce2; --text: #1b1f27; --quiet: #5c6472;
  --good: #0b6e99; --bad: #b3261e; --attention: #8a5a00; --moving: #5b4fb0; --fog: #b9c2cf; --on-bar: #ffffff; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #12151b; --panel: #1a1f28; --line: #303845; --text: #e6e9ef; --quiet: #99a3b3;
  --good: #56b4e9; --bad: #ff8a75; --attention: #e6b450; --moving: #b3a6ff; --fog: #4a5566; --on-bar: #0d1117; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 40px 0 12px; } h3 { font-size: 15px; margin: 0; }
p { margin: 6px 0; } .quiet, .mark, .none { color: var(--quiet); }
.verdict { display: flex; gap: 16px; align-items: baseline; border-left: 6px solid; padding: 10px 16px;
  background: var(--panel); margin: 16px 0; border-radius: 0 6px 6px 0; }
.verdict strong { font-size: 24px; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .attention { color: var(--attention); } .moving { color: var(--moving); }
.verdict.good, .verdict.bad, .verdict.attention { border-color: currentColor; } .verdict span { color: var(--text); }
ul.troubles { margin: 8px 0; padding-left: 20px; } ul.troubles li { overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; color: var(--quiet); font-size: 13px; }
th, td { padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.sign { width: 24px; text-align: center; } .nowrap { white-space: nowrap; }
code, .id { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.key { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 8px; vertical-align: -1px; }
svg { display: block; width: 100%; height: auto; } svg.distribution { width: 240px; max-width: 100%; }
svg text { fill: var(--text); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
svg text.mark, svg text.none { fill: var(--quiet); font-size: 11px; } svg text.on-bar { fill: var(--on-bar); font-weight: 600; font-size: 13px; }
.in-s3 { fill: var(--good); background: var(--good); } .way { fill: var(--moving); background: var(--moving); }
.refused { fill: var(--attention); background: var(--attention); } .unanswered { fill: var(--quiet); background: var(--quiet); }
.missing { fill: var(--bad); background: var(--bad); }
.axis { stroke: var(--quiet); } .grid { stroke: var(--line); } .break { stroke: var(--quiet); stroke-dasharray: 2 3; fill: none; }
.column, .point { fill: var(--good); } .cold { fill: var(--ground); stroke: var(--attention); stroke-width: 1.6; }
rect.span, path.span { fill: currentColor; } rect.open { fill-opacity: .35; stroke: currentColor; stroke-dasharray: 3 2; }
.fog { fill: var(--fog); opacity: .55; } .phase { fill: var(--ground); opacity: .8; } .phase.init { fill: var(--attention); opacity: 1; }
.phase.put { fill: var(--moving); opacity: 1; }
article { border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; margin: 14px 0; break-inside: avoid; }
article header { display: flex; gap: 12px; align-items: baseline; flex-wrap: wrap; margin-bottom: 8px; }
article table { margin-top: 8px; font-size: 13.5px; } article tr:last-child td { border-bottom: 0; }
.facts span { display: inline-block; margin-right: 12px; overflow-wrap: anywhere; }
@media (min-width: 700px) { .when { white-space: nowrap; } }
@media (max-width: 699px) { main { padding: 20px 14px 48px; } .scroll > svg { min-width: 640px; }
  article table, article tbody, article tr { display: block; } article tr { padding: 6px 0; border-bottom: 1px solid var(--line); }
  article td { display: inline-block; border: 0; padding: 0 8px 0 0; } article td.facts { display: block; } }
.scroll { overflow-x: auto; } .scroll table:not(.wide) { font-size: 13.5px; } svg.distribution { min-width: 200px; } footer { margin-top: 48px; font-size: 13px; }
@media print { :root { --ground: #ffffff; --panel: #ffffff; --line: #c8ccd3; --text: #000000; --quiet: #4a5160; --good: #0b6e99;
    --bad: #b3261e; --attention: #8a5a00; --moving: #5b4fb0; --fog: #b9c2cf; --on-bar: #ffffff; }
  body { font-size: 11pt; } main { max-width: none; padding: 0; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2 { break-after: avoid; } tr { break-inside: avoid; } thead { display: table-header-group; } }
</style>
</head>
<body>
<main>
<h1>Smoke test of a Tailwater pipeline</h1>
<p class="quiet">{{ began }} to {{ ended }}, {{ took }}</p>
<div class="verdict {{ verdict_class }}"><strong>{{ verdict_sign }} {{ verdict }}</strong><span>{{ sentence }}</span></div>
{% if !troubles.is_empty() %}
<ul class="troubles">
{% for trouble in troubles %}<li>{{ trouble }}</li>
{% endfor %}</ul>
{% endif %}

<h2>Where the events are</h2>
{{ ledger_drawing|safe }}
<table>
<tbody>
{% for term in terms %}<tr><td class="nowrap"><i class="key {{ term.class }}"></i>{{ term.name }}</td><td class="number">{{ term.count }}</td><td class="quiet">{{ term.meaning }}</td></tr>
{% endfor %}</tbody>
</table>

<h2>From sending until seen at each hop</h2>
<p class="quiet">As this machine saw it, reading included: what is polled is seen a while after it was there. The drawing has a
logarithmic axis.</p>
<div class="scroll"><table class="wide">
<thead><tr><th>hop</th><th class="number">seen</th><th class="number">p50</th><th class="number">p90</th><th class="number">p99</th><th class="number">longest</th><th>distribution</th></tr></thead>
<tbody>
{% for hop in figures %}<tr><td>{{ hop.name }}</td><td class="number">{{ hop.seen }}</td><td class="number">{{ hop.p50 }}</td><td class="number">{{ hop.p90 }}</td><td class="number">{{ hop.p99 }}</td><td class="number">{{ hop.max }}</td><td>{{ hop.drawing|safe }}</td></tr>
{% endfor %}</tbody>
</table></div>
{% if !over_time.is_empty() %}
<h2>The same over the events, in the order in which they were sent</h2>
<p class="quiet">{{ cold }}: ◇ marks the event that had to wait for it.{% if thinned %} Of many points only some are drawn, the longest always.{% endif %}</p>
{% for cell in over_time %}<h3>{{ cell.name }}</h3>
<div class="scroll">{{ cell.drawing|safe }}</div>
{% endfor %}
{% endif %}

<h2>Single events, hop by hop</h2>
<p class="quiet">Times stand on the gateway's clock; each is no finer than it was measured, and the grey end of a bar is what
that leaves open. Thin lines in the function's bar: its start (init), and the putting of the record. Where the delivery takes far
longer than what comes before it, the axis is broken, and goes on in another scale.{% if is_left_out %} {{ left_out }} more events are not shown here.{% endif %}</p>
{% for event in shown %}
<article>
<header><h3>Event {{ event.title }}</h3><span class="quiet">{{ event.why }}</span>{% for note in event.notes %}<span class="attention">{{ note }}</span>{% endfor %}</header>
<div class="scroll">{{ event.drawing|safe }}</div>
<table>
<tbody>
{% for row in event.rows %}<tr><td class="nowrap">{{ row.place }}</td><td class="sign {{ row.class }}">{{ row.sign }}</td><td>{{ row.words }}{% if !row.when.is_empty() %}<br><span class="quiet when">{{ row.when }}</span>{% endif %}</td><td class="facts id">{% for fact in row.facts %}<span>{{ fact }}</span> {% endfor %}</td></tr>
{% endfor %}</tbody>
</table>
{% if !event.clocks.is_empty() %}<p class="quiet">Clocks: {% for clock in event.clocks %}{{ clock }}{% if !loop.last %}; {% endif %}{% endfor %}.</p>{% endif %}
</article>
{% endfor %}
{% if shown.is_empty() %}<p>No event was sent.</p>{% endif %}

{% if !rows.is_empty() %}
<h2>All events</h2>
<div class="scroll"><table>
<thead><tr><th>event</th><th>sent (UTC)</th><th class="number">API</th><th class="number">Lambda</th><th class="number">Kinesis</th><th class="number">S3</th><th></th><th>as it stands</th></tr></thead>
<tbody>
{% for row in rows %}<tr><td>{{ row.number }}</td><td class="nowrap">{{ row.sent }}</td>{% for time in row.times %}<td class="number">{{ time }}</td>{% endfor %}<td class="sign {{ row.class }}">{{ row.sign }}</td><td>{{ row.words }}</td></tr>
{% endfor %}</tbody>
</table></div>
{% if is_rows_left_out %}<p class="quiet">{{ rows_left_out }} more events are not listed here; they count in all figures above.</p>{% endif %}
{% endif %}

<h2>Environment</h2>
<table>
<tbody>
{% for fact in environment %}<tr><td class="nowrap">{{ fact.name }}</td><td class="id">{{ fact.value }}</td></tr>
{% endfor %}</tbody>
</table>
<footer class="quiet">Made by Tailwater {{ version }}. Account ids, credentials and host names are masked. This page loads nothing.</footer>
</main>
</body>
</html>
"##
)]
pub struct Page {
    pub verdict: &'static str,
    pub verdict_sign: &'static str,
    pub verdict_class: &'static str,
    pub sentence: String,
    pub began: String,
    pub ended: String,
    pub took: String,
    pub troubles: Vec<String>,
    pub terms: Vec<Term>,
    pub ledger_drawing: String,
    pub figures: Vec<Figures>,
    pub over_time: Vec<Cell>,
    pub thinned: bool,
    pub cold: String,
    pub shown: Vec<Shown>,
    pub left_out: String,
    pub is_left_out: bool,
    pub rows: Vec<EventRow>,
    pub rows_left_out: String,
    pub is_rows_left_out: bool,
    pub environment: Vec<Fact>,
    pub version: &'static str,
}

/// A term of the ledger.
pub struct Term {
    pub name: &'static str,
    pub count: String,
    pub class: &'static str,
    pub meaning: &'static str,
}

/// The figures of a hop.
pub struct Figures {
    pub name: &'static str,
    pub seen: String,
    pub p50: String,
    pub p90: String,
    pub p99: String,
    pub max: String,
    pub drawing: String,
}

/// A drawing with its name.
pub struct Cell {
    pub name: String,
    pub drawing: String,
}

/// An event, hop by hop.
pub struct Shown {
    pub title: String,
    pub why: &'static str,
    pub notes: Vec<String>,
    pub drawing: String,
    pub rows: Vec<Row>,
    pub clocks: Vec<String>,
}

/// An event at a place.
pub struct Row {
    pub place: &'static str,
    pub sign: &'static str,
    pub class: &'static str,
    pub words: String,
    pub when: String,
    pub facts: Vec<String>,
}

/// An event in the table of all.
pub struct EventRow {
    pub number: String,
    pub sent: String,
    pub times: Vec<String>,
    pub sign: &'static str,
    pub class: &'static str,
    pub words: String,
}

/// A name and a value.
pub struct Fact {
    pub name: String,
    pub value: String,
}
