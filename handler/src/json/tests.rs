//! The scanner against RFC 8259's grammar, cases of the JSON test suite, and `serde_json`.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::*;

fn compacted(body: &str) -> String {
    String::from_utf8(compact(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))).unwrap()
}

fn refused(body: &[u8]) -> Invalid {
    match compact(body) {
        Err(invalid) => invalid,
        Ok(_) => panic!("{} was accepted", String::from_utf8_lossy(body)),
    }
}

#[test]
fn only_insignificant_whitespace_goes() {
    assert_eq!(
        compacted(" { \"a b\" :\t[ 1 , 2.50 , -0E+1 ] ,\r\n\"a b\": \"\\u0041 \\/\", \"z\":null } \n"),
        r#"{"a b":[1,2.50,-0E+1],"a b":"\u0041 \/","z":null}"#
    );
    assert_eq!(compacted(" true "), "true");
    assert_eq!(compacted("\"\u{a0}\u{2028}\u{7f}\""), "\"\u{a0}\u{2028}\u{7f}\"");
}

#[test]
fn depth_and_size_are_no_matter() {
    let deep = 100_000;
    let arrays = "[".repeat(deep) + &"]".repeat(deep);
    assert_eq!(compacted(&arrays), arrays);
    let objects = r#"{"a":"#.repeat(deep) + "1" + &"}".repeat(deep);
    assert_eq!(compacted(&objects), objects);
    let open = refused("[".repeat(deep).as_bytes());
    assert_eq!((open.line, open.column), (1, deep + 1));
    let digits = "9".repeat(deep);
    for number in [digits.clone(), format!("-{digits}.{digits}e+{digits}")] {
        assert_eq!(compacted(&number), number);
    }
}

#[test]
fn an_error_says_where_and_why() {
    for (body, message) in [
        ("", "the body is empty at line 1, column 1"),
        (" \n\t", "the body is empty at line 1, column 1"),
        ("{\"a\": 1,\n  b: 2}", "expected a name in quotation marks, found 'b' at line 2, column 3"),
        ("[1, 2", "the body ends where `,` or `]` is expected at line 1, column 6"),
        ("{\"a\" 1}", "expected `:`, found '1' at line 1, column 6"),
        ("{\"a\":1 \"b\":2}", "expected `,` or `}`, found '\"' at line 1, column 8"),
        ("[1,]", "expected a value, found ']' at line 1, column 4"),
        ("{\"a\":1,}", "expected a name in quotation marks, found '}' at line 1, column 8"),
        ("{} {}", "expected the end of the body, found '{' at line 1, column 4"),
        ("1\n2", "expected the end of the body, found '2' at line 2, column 1"),
        ("\"é\" x", "expected the end of the body, found 'x' at line 1, column 5"),
        ("nul", "the body ends where `null` is expected at line 1, column 4"),
        ("-a", "expected a digit, found 'a' at line 1, column 2"),
        ("\"\\x\"", "expected an escape (one of \"\\/bfnrtu), found 'x' at line 1, column 3"),
        ("\"a\nb\"", "the control character '\\n' must be escaped in a string at line 1, column 3"),
        ("\"a", "the body ends where the end of a string is expected at line 1, column 3"),
    ] {
        assert_eq!(refused(body.as_bytes()).to_string(), message, "{body}");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_where_they_stand() {
    for (body, line, column) in [
        (b"\"a\xff\"".as_slice(), 1, 3),
        (b"[1,\n\xc3\x28]", 2, 1),
        (b"\xff\xfe{\x00}\x00", 1, 1),
        (b"\"\xed\xa0\x80\"", 1, 2),
        (b"\"\xf4\x90\x80\x80\"", 1, 2),
        (b"\"\xc0\xaf\"", 1, 2),
        (b"1\xe9", 1, 2),
    ] {
        assert_eq!(refused(body), Invalid { line, column, problem: Problem::NotUtf8 });
    }
    // What comes first in the body is told first.
    assert_eq!(refused(b"[1 2 \xff]").to_string(), "expected `,` or `]`, found '2' at line 1, column 4");
}

#[test]
fn a_byte_order_mark_and_nul_are_refused() {
    assert_eq!(refused(b"\xef\xbb\xbf{}"), Invalid { line: 1, column: 1, problem: Problem::ByteOrderMark });
    assert_eq!(refused(b"\"a\0b\""), Invalid { line: 1, column: 3, problem: Problem::ControlCharacter('\0') });
    assert!(matches!(refused(b"{}\0").problem, Problem::Unexpected { found: '\0', .. }));
    assert!(matches!(refused(b"\0").problem, Problem::Unexpected { found: '\0', .. }));
}

#[test]
fn cases_that_the_json_test_suite_accepts() {
    for body in [
        "[[]   ]",
        r#"[""]"#,
        "[]",
        r#"["a"]"#,
        "[false]",
        r#"[null, 1, "1", {}]"#,
        "[null]",
        "[1\n]",
        " [1]",
        "[1,null,null,null,2]",
        "[2] ",
        "[123e65]",
        "[0e+1]",
        "[0e1]",
        "[ 4]",
        "[-0.000000000000000000000000001]",
        "[20e1]",
        "[-0]",
        "[-123]",
        "[-1]",
        "[1E22]",
        "[1E-2]",
        "[1E+2]",
        "[123e45]",
        "[123.456e78]",
        "[1e-2]",
        "[1e+2]",
        "[123]",
        "[123.456789]",
        r#"{"asd":"sdf", "dfg":"fgh"}"#,
        r#"{"asd":"sdf"}"#,
        r#"{"a":"b","a":"c"}"#,
        r#"{"a":"b","a":"b"}"#,
        "{}",
        r#"{"":0}"#,
        r#"{"foo\u0000bar": 42}"#,
        r#"{ "min": -1.0e+28, "max": 1.0e+28 }"#,
        "{\"a\": []}",
        "{\n\"a\": \"b\"\n}",
        r#"["\u0060\u012a\u12AB"]"#,
        r#"["\uD801\udc37"]"#,
        r#"["\ud83d\ude39\ud83d\udc8d"]"#,
        r#"["\"\\\/\b\f\n\r\t"]"#,
        r#"["\\u0000"]"#,
        r#"["\""]"#,
        r#"["a/*b*/c/*d//e"]"#,
        r#"["\\a"]"#,
        r#"["\\n"]"#,
        r#"["\u0012"]"#,
        r#"["\uFFFF"]"#,
        r#"[ "asd"]"#,
        "[\"\u{10ffff}\"]",
        "[\"\u{ffff}\"]",
        r#"["\u0000"]"#,
        "[\"π\"]",
        "[\"\u{1bfff}\"]",
        r#"" ""#,
        "[\"\u{2028}\"]",
        "[\"\u{2029}\"]",
        r#"["\u0061\u30af\u30EA\u30b9"]"#,
        "[\"new\u{a0}line\"]",
        "[\"\u{7f}\"]",
        r#"["\uA66D"]"#,
        r#"["\u0022"]"#,
        r#"["\uDBFF\uDFFE"]"#,
        r#"["\u200B"]"#,
        "false",
        "42",
        "-0.1",
        "null",
        r#""asd""#,
        "true",
        r#""""#,
        "[\"a\"]\n",
        "[true]",
        " [] ",
        // Implementations may differ on these; the grammar allows them.
        "[123.456e-789]",
        "[0.4e00669999999999999999999999999999999999999999999999999999999999999999999969999999006]",
        "[-1e+9999]",
        "[1.5e+9999]",
        "[123123e100000]",
        r#"["\uDADA"]"#,
        r#"["\uD888\u1234"]"#,
        r#"["\uD800\n"]"#,
        r#"["\uDd1ea"]"#,
        r#"["\ud800abc"]"#,
        r#"["\uDFAA"]"#,
        r#"{"\uDFAA":0}"#,
    ] {
        assert!(compact(body.as_bytes()).is_ok(), "{body} was refused");
    }
}

#[test]
fn cases_that_the_json_test_suite_refuses() {
    for body in [
        "[1 true]",
        r#"["": 1]"#,
        r#"[""],"#,
        "[,1]",
        "[1,,2]",
        r#"["x",,]"#,
        r#"["x"]]"#,
        r#"["",]"#,
        r#"["x""#,
        "[x",
        "[3[4]]",
        "[1:2]",
        "[,]",
        "[-]",
        "[   , \"\"]",
        "[\"a\",\n4\n,1,",
        "[1,]",
        "[\"\u{b}a\"\\f]",
        "[*]",
        "[1,",
        "[{}",
        "[fals]",
        "[nul]",
        "[tru]",
        "[++1234]",
        "[+1]",
        "[+Inf]",
        "[-01]",
        "[-1.0.]",
        "[-2.]",
        "[-NaN]",
        "[.-1]",
        "[.2e-3]",
        "[0.1.2]",
        "[0.3e+]",
        "[0.3e]",
        "[0.e1]",
        "[0E+]",
        "[0E]",
        "[0e+]",
        "[0e]",
        "[1.0e+]",
        "[1.0e-]",
        "[1.0e]",
        "[1 000.0]",
        "[1eE2]",
        "[2.e+3]",
        "[2.e-3]",
        "[2.e3]",
        "[9.e+]",
        "[Inf]",
        "[NaN]",
        "[\u{ff11}]",
        "[1+2]",
        "[0x1]",
        "[0x42]",
        "[Infinity]",
        "[0e+-1]",
        "[-123.123foo]",
        "[-Infinity]",
        "[-foo]",
        "[- 1]",
        "[-012]",
        "[-.123]",
        "[-1x]",
        "[1ea]",
        "[1.]",
        "[.123]",
        "[1.2a-3]",
        "[1.8011670033376514H-308]",
        "[012]",
        r#"["x", truth]"#,
        r#"{[: "x"}"#,
        r#"{"x", null}"#,
        r#"{"x"::"b"}"#,
        "{🇨🇭}",
        r#"{"a":"a" 123}"#,
        "{key: 'value'}",
        r#"{"a" b}"#,
        r#"{:"b"}"#,
        r#"{"a" "b"}"#,
        r#"{"a":"#,
        r#"{"a""#,
        "{1:1}",
        "{9999E9999:1}",
        "{null:null,null:null}",
        r#"{"id":0,,,,,}"#,
        "{'a':0}",
        r#"{"id":0,}"#,
        r#"{"a":"b"}/**/"#,
        r#"{"a":"b"}/**//"#,
        r#"{"a":"b"}//"#,
        r#"{"a":"b",,"c":"d"}"#,
        r#"{a: "b"}"#,
        r#"{"a":"a"#,
        r#"{ "foo" : "bar", "a" }"#,
        r#"{"a":"b"}#"#,
        " ",
        r#"["\uD800\"]"#,
        r#"["\uD800\u"]"#,
        r#"["\uD800\u1"]"#,
        r#"["\uD800\u1x"]"#,
        "[é]",
        "[\"\\\0\"]",
        r#"["\x00"]"#,
        r#"["\\\"]"#,
        "[\"\\\t\"]",
        "[\"\\🌀\"]",
        r#"["\"]"#,
        r#"["\u00A"]"#,
        r#"["\uD834\uDd"]"#,
        r#"["\a"]"#,
        r#"["\uqqqq"]"#,
        "[\"\\é\"]",
        r#"[\u0020"asd"]"#,
        "[\\n]",
        "\"",
        "['single quote']",
        "abc",
        "[\"\\",
        "[\"new\nline\"]",
        "[\"\t\"]",
        r#""\UA66D""#,
        r#"""x"#,
        "[\u{2060}]",
        "<null>",
        "[<null>]",
        "[1]x",
        "[1]]",
        r#"["asd]"#,
        "aå",
        "[True]",
        "1]",
        r#"{"x": true,"#,
        "[][]",
        "]",
        "\u{feff}",
        "å",
        "[",
        "",
        "[\0]",
        "2@",
        "{}}",
        r#"{"":"#,
        r#"{"a":/*comment*/"b"}"#,
        r#"{"a": true} "x""#,
        "['",
        r#"["a"#,
        "[,",
        "{",
        "{]",
        "{,",
        "{[",
        r#"{"a"#,
        "{'a'",
        r#"["\{["\{["\{["\{"#,
        "*",
        r#"{"a":"b"}#{}"#,
        r"[\u000A]",
        "[1",
        r"[ false, nul",
        r"[ true, fals",
        r"[ false, tru",
        r#"{"asd":"asd""#,
        "⍂",
        "[\u{c}]",
        "\u{85}1",
    ] {
        assert!(compact(body.as_bytes()).is_err(), "{body} was accepted");
    }
}

/// JSON texts, and texts that are nearly one.
fn json_like() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("\"a\"".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just(" ".to_owned()),
        Just("\n".to_owned()),
        "-?[0-9]{1,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
        "\"[a\\\\\"u0\u{1f}é]{0,6}\"",
    ];
    proptest::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

pub(crate) fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::vec((".*", inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_judges_as_serde_json(text in prop_oneof![json_like(), ".*"]) {
        let theirs = serde_json::from_str::<IgnoredAny>(&text);
        let ours = compact(text.as_bytes());
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
        if let Ok(record) = ours {
            prop_assert_eq!(compact(&record).unwrap(), record.clone());
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                prop_assert_eq!(serde_json::from_slice::<Value>(&record).unwrap(), value);
            }
        }
    }

    #[test]
    fn pretty_text_becomes_its_compact_text(value in values()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(compacted(&pretty), serde_json::to_string(&value).unwrap());
    }

    #[test]
    fn no_bytes_can_hurt(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if compact(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<IgnoredAny>(&bytes).is_ok());
        }
    }

    #[test]
    fn an_error_is_within_the_body(text in json_like()) {
        if let Err(invalid) = compact(text.as_bytes()) {
            let line = text.split('\n').nth(invalid.line - 1).unwrap();
            prop_assert!(invalid.column <= line.chars().count() + 1);
        }
    }
}
