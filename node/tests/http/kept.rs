//! What may be kept, and for how long: ETags, 304, Cache-Control.

use reqwest::StatusCode;

use crate::site::{Site, now_ms};

#[tokio::test]
async fn what_never_changes_is_sent_once() {
    let site = Site::open().await;
    for (path, forever) in [
        ("/v1/records/1", true),
        ("/v1/blocks/1", true),
        ("/tile/entries/000.p/5", true),
        ("/tile/0/000.p/8", true),
        ("/v1/blocks/head", false),
        ("/v1/blocks/2", false),
        ("/checkpoint", false),
        ("/witnesses/checkpoint", false),
        ("/policy", false),
        ("/v1/schema", false),
        ("/openapi.json", false),
        ("/portal/portal.css", false),
    ] {
        let first = site.client.get(site.url(path)).send().await.unwrap();
        assert_eq!(first.status(), 200, "{path}");
        assert_eq!(first.headers()["cache-control"].to_str().unwrap().contains("immutable"), forever, "{path}");
        let tag = first.headers()["etag"].clone();
        let body = first.bytes().await.unwrap();
        let ask = |known: String| site.client.get(site.url(path)).header("if-none-match", known).send();
        let tag = tag.to_str().unwrap();
        for known in [tag.to_owned(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let again = ask(known.clone()).await.unwrap();
            // The portal compares one tag, as its own pages send it.
            if path.starts_with("/portal") && known != tag {
                continue;
            }
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}, {known}");
            assert_eq!(again.headers()["etag"], tag);
            assert!(again.bytes().await.unwrap().is_empty());
        }
        let other = ask("\"something else\"".to_owned()).await.unwrap();
        assert_eq!((other.status(), other.bytes().await.unwrap()), (StatusCode::OK, body), "{path}");
    }
}

#[tokio::test]
async fn what_changes_is_tagged_anew_and_an_answer_about_today_is_not_kept() {
    let mut site = Site::open().await;
    let tag = async |path: &str, site: &Site| {
        let response = site.client.get(site.url(path)).send().await.unwrap();
        response.headers().get("etag").cloned()
    };
    let before = tag("/v1/blocks/head", &site).await.unwrap();
    site.issue(9);
    site.publish(now_ms());
    assert_ne!(tag("/v1/blocks/head", &site).await.unwrap(), before);
    assert_eq!(tag("/v1/verify?index=1", &site).await, None);
    assert_eq!(tag("/v1/records/99999", &site).await, None);
}
