//! The fonts come from the node's own host, are fonts, and may be missing.

use std::path::Path;

use dalil_node::portal::fonts::{FOLDER_DEFAULT, Fonts};
use serde_json::json;

use crate::browser::{Browser, Setting};
use crate::node::Node;

#[test]
fn the_node_serves_fonts_that_the_page_may_load() {
    let node = Node::start();
    let browser = Browser::start(&Setting::default());
    browser.open(&node.page("/?lang=bn"));
    let script = r#"
        const sheet = await (await fetch("/portal/fonts.css")).text();
        const found = [];
        for (const [, url] of sheet.matchAll(/url\("([^"]+)"\)/g)) {
            const answer = await fetch(url);
            const tag = answer.headers.get("etag");
            const known = await fetch(url, { headers: { "If-None-Match": tag }, cache: "no-store" });
            // The policy of the page is asked as well.
            await new FontFace("tried", `url(${url})`).load();
            found.push([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control"), known.status]);
        }
        const faces = [...document.styleSheets].flatMap((it) => [...it.cssRules]).filter((it) => it instanceof CSSFontFaceRule);
        const display = new Set(faces.map((it) => it.style.getPropertyValue("font-display")));
        const other = await fetch("/portal/fonts/NotoSans-Regular-0000000000000000.ttf");
        return { found, faces: faces.length, display: [...display], other: other.status };
    "#;
    let said = browser.run_async(script, json!([]));
    let font = json!([200, "font/ttf", "public, max-age=31536000, immutable", 304]);
    assert_eq!(said["found"], json!([font, font, font, font, font, font]), "testnet/setup/browser.sh installs them");
    assert_eq!((&said["faces"], &said["display"], &said["other"]), (&json!(6), &json!(["swap"]), &json!(404)));
    // A Bengali page is set in it, wherever the device has the font from.
    let family = browser.run("return getComputedStyle(document.body).fontFamily", json!([]));
    assert!(family.as_str().unwrap().starts_with("\"Noto Sans\", \"Noto Sans Bengali\""), "{family}");
}

#[test]
fn what_is_no_font_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let fonts = Fonts::read(folder.path());
    assert_eq!(fonts.missing.len(), 6);
    put("NotoSans-Regular.ttf", b"<html>");
    put("NotoSans-Bold.ttf", &[&[0, 1, 0, 0][..], &[7; 3 << 20]].concat());
    put("NotoSansBengali-Regular.ttf", &[0, 1, 0, 0, 7]);
    std::fs::create_dir(folder.path().join("NotoSansBengali-Bold.ttf")).unwrap();
    let fonts = Fonts::read(folder.path());
    let missing = fonts.missing.join("\n");
    assert_eq!(fonts.missing.len(), 5, "{missing}");
    for why in [
        "NotoSans-Regular.ttf: not a TrueType font",
        "NotoSans-Bold.ttf: longer than",
        "NotoSansBengali-Bold.ttf: not a file",
    ] {
        assert!(missing.contains(why), "{missing}");
    }
    assert!(Path::new(FOLDER_DEFAULT).is_absolute());
}
