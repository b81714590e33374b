use super::*;
use proptest::prelude::*;

fn jar(https: bool, prefix: &str) -> Jar {
    Jar { https, prefix: prefix.into() }
}

fn https() -> Jar {
    jar(true, "")
}

fn http() -> Jar {
    jar(false, "")
}

fn value() -> String {
    format!("weur.{}.{}", "a".repeat(64), Secret::from_random([1; 32]).expose())
}

/// A login cookie's value.
fn login() -> String {
    value().replace("weur.", "")
}

#[test]
fn a_session_cookie_is_read_under_its_schemes_name_alone() {
    let header = format!("x=1; __Host-Http-session={}; y=2", value());
    assert!(https().read(&header).session.is_some());
    assert!(http().read(&header).session.is_none());
    assert!(http().read(&format!("edge-session={}", value())).session.is_some());
    for name in ["session", "edge-session", "__Host-session", "__Http-session"] {
        assert!(https().read(&format!("{name}={}", value())).session.is_none(), "{name}");
    }
    assert!(!http().read(&format!("session={}", value())).any, "an application may have a session of its own");
}

#[test]
fn a_prefix_makes_names_of_the_gateways_own() {
    let (plain, shop) = (https(), jar(true, "shop-"));
    let header = format!("__Host-Http-session={}; __Host-Http-shop-login-0123abcd=x", value());
    assert!(plain.read(&header).session.is_some() && plain.read(&header).logins.is_empty());
    assert!(shop.read(&header).session.is_none());
    assert_eq!(shop.read(&header).logins.len(), 1);
    assert_eq!(Jar::strip(&header), None, "neither goes to an application");
    let line = jar(false, "shop-").set_clearance("x".into(), Duration::minutes(1));
    assert!(line.starts_with("edge-shop-clearance=x;"), "{line}");
    assert!(shop.is_session_set_by(&shop.clear_session(config::SameSite::Lax)));
    assert!(!plain.is_session_set_by(&shop.clear_session(config::SameSite::Lax)));
}

#[test]
fn two_cookies_of_one_name_count_as_none_even_if_one_is_empty_or_malformed() {
    for other in ["", "weur.x.y", &value()] {
        let header = format!("edge-session={}; edge-session={other}", value());
        let cookies = http().read(&header);
        assert!(cookies.session.is_none() && cookies.any, "{header}");
    }
    let thrice = format!("edge-session={0}; edge-session={0}; edge-session={0}", value());
    assert!(http().read(&thrice).session.is_none());
    assert_eq!(http().read("edge-clearance=a").clearance.as_deref(), Some("a"));
    assert_eq!(http().read("edge-clearance=a; edge-clearance=").clearance, None);
    let login = format!("edge-login-0123abcd={}", login());
    assert!(http().read(&login).logins[0].1.is_some());
    let both = http().read(&format!("{login}; edge-login-0123abcd=; edge-login-0123abce=x")).logins;
    assert!(both.len() == 2 && both[0].1.is_none() && both[1].0 == "0123abce", "{both:?}");
}

/// What a sibling host, or plain http, can plant: browsers take none of these for a name with the prefix.
const PLANTED: [&str; 12] = [
    "a=x,{}",
    "a=x, {}",
    ",{}",
    "\u{85}{}",
    "\u{a0}{}",
    "\u{2000}{}",
    "\u{3000}{}",
    "\u{feff}{}",
    "\u{fffd}{}",
    "\u{b}{}",
    "={}",
    "={}=",
];

#[test]
fn a_look_alike_is_never_a_credential_and_never_spoils_a_real_one() {
    let real = format!("__Host-Http-session={}", value());
    let other = value().replace("aaaa", "bbbb");
    let mut planted: Vec<String> =
        PLANTED.iter().map(|form| form.replace("{}", &format!("__Host-Http-session={other}"))).collect();
    for space in ["\u{85}", "\u{a0}", "\u{1680}", "\u{2000}", "\u{2028}", "\u{3000}", "\u{c}", "\u{fffd}"] {
        planted.push(format!("__Host-Http-session{space}={other}"));
    }
    for name in ["__HOST-HTTP-SESSION", "__host-http-session", "__Host-Http-Session", "__Host-Http-\u{17f}ession"] {
        planted.push(format!("{name}={other}"));
    }
    for planted in planted {
        let alone = https().read(&planted);
        assert!(alone.session.is_none() && alone.any, "{planted:?}");
        assert_eq!(Jar::strip(&planted), None, "{planted:?}");
        for header in [format!("{real}; {planted}"), format!("{planted}; {real}")] {
            let session = https().read(&header).session;
            assert!(session.is_some_and(|session| session.actor.as_str() == "a".repeat(64)), "{header:?}");
        }
    }
}

#[test]
fn a_look_alike_of_a_login_or_a_clearance_is_none() {
    let real = format!("edge-login-0123abcd={}; edge-clearance=real", login());
    let planted = "a=x,edge-login-0123abcd=y; edge-clearance\u{a0}=y; =edge-login-0123abcd=y; Edge-Clearance=y";
    for header in [format!("{real}; {planted}"), format!("{planted}; {real}")] {
        let cookies = http().read(&header);
        assert_eq!(cookies.clearance.as_deref(), Some("real"));
        assert!(cookies.logins.len() == 1 && cookies.logins[0].1.is_some(), "{:?}", cookies.logins);
    }
    let alone = http().read(planted);
    assert!(alone.any && alone.clearance.is_none() && alone.logins.is_empty());
}

#[test]
fn a_value_with_a_space_that_browsers_do_not_trim_is_malformed() {
    for value in [format!("{}\u{a0}", value()), format!("\u{2003}{}", value()), format!("{}\u{c}", value())] {
        let cookies = http().read(&format!("edge-session={value}"));
        assert!(cookies.session.is_none() && cookies.any, "{value:?}");
    }
    assert!(http().read(&format!("\t edge-session \t= \t{}\t ", value())).session.is_some());
}

#[test]
fn look_alike_names_are_not_the_gateways() {
    for name in ["edge-session2", "$Version", "edge-login-1234567", "edge-login-1234567G", ""] {
        assert!(!http().read(&format!("{name}={}", value())).any, "{name}");
    }
    let shouted = http().read(&format!("edge-login-ABCDEF01={}", value()));
    assert!(shouted.any && shouted.logins.is_empty());
}

#[test]
fn stripping_leaves_out_whole_pairs_and_every_other_byte_as_it_was() {
    let header = format!("a=\"1;2\";  b==; edge-session={}; edge-login-0123abcd=x; c=ü,%2C", value());
    assert_eq!(Jar::strip(&header).as_deref(), Some("a=\"1;2\";  b==; c=ü,%2C"));
    assert_eq!(Jar::strip(&format!("edge-session={}", value())), None);
    assert_eq!(Jar::strip(&format!("a=1, edge-session={}; b=2", value())).as_deref(), Some("b=2"));
    assert_eq!(Jar::strip("a=1,b=2").as_deref(), Some("a=1,b=2"));
    assert_eq!(Jar::strip("session=1; __Host-session=2; c").as_deref(), Some("session=1; __Host-session=2; c"));
    assert_eq!(Jar::strip("a=1; edge-return=x; __Host-session-bound=y; b").as_deref(), Some("a=1; b"));
    assert_eq!(
        Jar::strip(&format!("=edge-session={}; a=1; =b; ==edge-session=x", value())).as_deref(),
        Some("a=1; =b")
    );
}

#[test]
fn what_is_set_has_the_documented_attributes() {
    let credential = credential(&login()).unwrap();
    let line = https().set_session(Region::Weur, &credential, config::SameSite::Strict, Duration::hours(1));
    assert_eq!(
        line,
        format!("__Host-Http-session={}; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=3600", value())
    );
    let line = http().set_login("0123abcd", "sealed".into(), true, Duration::minutes(10));
    assert!(
        line.starts_with("edge-login-0123abcd=") && line.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"),
        "{line}"
    );
    assert!(https().clear_login("0123abcd", true).contains("SameSite=None; Secure; Path=/; Max-Age=0"));
}

#[test]
fn the_application_cannot_set_the_gateways_cookies() {
    for line in [
        "__Host-Http-session=x; Path=/",
        " __Host-Http-login-0123abcd = x",
        "__Host-Http-session",
        "__HOST-http-SESSION=x",
        "a=x,__Host-Http-session=x; Path=/; Secure",
        "a=x; Path=/, __Host-Http-session=x; Path=/",
        "\u{a0}__Host-Http-session\u{3000}=x",
        "=__Host-Http-session=x",
        " = =edge-session=x",
        "edge-shop-session=x",
        "__Host-Http-return=x",
        "__Host-session-bound=x",
    ] {
        assert!(Jar::is_kept_from(line), "{line:?}");
    }
    for line in [
        "session=x",
        "__Host-session=x; Path=/; Secure",
        "other=__Host-Http-session=x",
        "a=1; Expires=Wed, 09 Jun 2030 10:18:14 GMT; Path=/session",
    ] {
        assert!(!Jar::is_kept_from(line), "{line:?}");
    }
}

#[test]
fn every_login_cookie_of_many_is_read_once_and_in_order() {
    let header: Vec<String> = (0..8_000).map(|n| format!("edge-login-{n:08x}={}", login())).collect();
    let cookies = http().read(&header.join("; "));
    assert!(cookies.logins.iter().zip(0..8_000).all(|((attempt, _), n)| *attempt == format!("{n:08x}")));
    assert_eq!(cookies.logins.len(), 8_000);
}

proptest! {
    #[test]
    fn no_header_gets_a_session_cookie_past_strip(before in ".{0,20}", after in ".{0,20}", glue in "[;, =]{1,3}") {
        let header = format!("{before}{glue}edge-session={}{glue}{after}", value());
        if let Some(left) = Jar::strip(&header) {
            prop_assert!(!http().read(&left).any, "{left}");
            prop_assert!(http().read(&left).session.is_none(), "{left}");
        }
    }

    #[test]
    fn nothing_planted_yields_or_spoils_a_session(
        front in "(a=x,|=|a|)[,= \t\u{85}\u{a0}\u{3000}\u{fffd}]{0,3}",
        name in "__Host-Http-session|__host-http-SESSION",
        behind in "[, \t\u{85}\u{a0}\u{3000}\u{fffd}]{0,2}",
        first in any::<bool>(),
    ) {
        // What a browser keeps of a prefixed name is refused from a sibling: all but the exact name can be planted.
        let planted = format!("{front}{name}{behind}=V");
        let name = planted.split('=').next().unwrap_or_default().trim_matches([' ', '\t']);
        if name == "__Host-Http-session" {
            return Ok(());
        }
        let planted = planted.replace('V', &value().replace("aaaa", "bbbb"));
        prop_assert!(https().read(&planted).session.is_none());
        let real = format!("__Host-Http-session={}", value());
        let header = if first { format!("{planted}; {real}") } else { format!("{real}; {planted}") };
        let session = https().read(&header).session;
        prop_assert!(session.is_some_and(|session| session.actor.as_str() == "a".repeat(64)), "{:?}", header);
    }
}
