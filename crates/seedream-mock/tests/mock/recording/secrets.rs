//! No key, cookie, signature or unknown header reaches a file, the journal, a summary or an error.

use serde_json::json;

use super::raw_server::{RawServer, Reply};
use super::{CREATE, every_byte, files, player, recorder};
use crate::http1_client::soon;
use crate::own_fixtures::Folder;

/// One canary for each place; all begin alike.
const HEADERS: &str = "authorization: Bearer sk-canary-key\r\ncookie: session=canary-cookie-1; b=canary-cookie-2\r\n\
    x-api-key: canary-x-api-key\r\nproxy-authorization: Basic canary-proxy\r\nx-never-seen: canary-unknown\r\n\
    user-agent: canary-agent/1\r\nx-slash: canary-slash/of\r\nx-time: 1795000000\r\nreferer: https://canary-referer.example/?a=b\r\n";

#[tokio::test]
async fn no_canary_is_in_any_file_and_the_upstream_gets_them_all() {
    let folder = Folder::new("canary", &[]);
    let upstream = RawServer::start([]).await;
    let origin = upstream.origin();
    let echoed = format!(
        "{{\"data\":[{{\"url\":\"{origin}/1.jpg?X-Tos-Credential=canary-credential&X-Tos-Signature=canary-signature\"}}],\
         \"note\":\"sk-canary-key canary-cookie-1 canary-x-api-key canary-unknown canary-query\",\
         \"api_key\":\"canary-member\",\"debug\":\"{{\\\"access_token\\\":\\\"canary-inner\\\"}}\",\
         \"session\":\"canary-set\",\"next\":\"/poll?access_token=canary-relative\",\
         \"escaped\":\"canary-slash\\/of canary-query\\/of\",\"credentials\":[{{\"of\":\"canary-list\"}}],\"created\":1795000000,\"other\":\"https://canary-referer.example/?a=b\"}}"
    );
    upstream.then(Reply::of([
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: s=canary-set; Path=/\r\nx-request-id: request-1\r\n\
             x-debug: canary-debug\r\nlocation: /next?state=canary-location\r\ncontent-length: {}\r\n\r\n",
            echoed.len()
        )
        .as_bytes(),
        echoed.as_bytes(),
    ]));
    let proxy = recorder(&upstream.base(), 1, &folder.0).await;
    let body = json!({
        "model": "m", "prompt": "a kite", "token": "canary-body",
        "image": "https://store.example/r.png?Signature=canary-reference&Expires=1",
    });
    let target = format!("{CREATE}?signature=canary-query&state=canary-query%2Fof");
    let (received, _) = soon(every_byte(&proxy, &target, HEADERS, body.to_string().as_bytes())).await;
    soon(proxy.recorded()).await;
    let text = String::from_utf8(received).unwrap();
    assert!(text.ends_with(&echoed) && text.contains("set-cookie: s=canary-set"), "the client gets everything: {text}");
    let sent = upstream.requests().concat();
    for canary in
        ["sk-canary-key", "canary-cookie-2", "canary-x-api-key", "canary-unknown", "canary-query", "canary-body"]
    {
        assert!(sent.contains(canary), "{canary} was not sent on: {sent}");
    }
    assert!(
        !sent.contains("connection: close") && sent.contains(&format!("host: {}", &origin["http://".len()..])),
        "{sent}"
    );

    let summary = serde_json::to_string(&proxy.recording().unwrap()).unwrap();
    let journal = serde_json::to_string(&proxy.journal()).unwrap();
    let mut kept = files(&folder.0);
    assert_eq!(kept.len(), 3, "the exchange, its image, and the version");
    kept.push((String::from("summary"), summary.into_bytes()));
    kept.push((String::from("journal"), journal.into_bytes()));
    for (file, bytes) in kept {
        let text = String::from_utf8_lossy(&bytes);
        let at = text.find("canary");
        assert_eq!(at, None, "{file}: {}", &text[at.unwrap_or_default()..].chars().take(60).collect::<String>());
    }

    // Another key sends the same request.
    let player = player(&folder.0).await;
    let again = json!({
        "image": "https://store.example/r.png?Signature=another&Expires=1", "token": "x", "prompt": "a kite", "model": "m",
    });
    let (played, _) =
        soon(every_byte(&player, &format!("{CREATE}?signature=2&state=3"), "", again.to_string().as_bytes())).await;
    let played = String::from_utf8(played).unwrap();
    assert!(played.starts_with("HTTP/1.1 200 OK") && played.contains("x-request-id: request-1"), "{played}");
    assert!(played.contains("X-Tos-Credential=*****************&X-Tos-Signature=****************"), "{played}");
}

/// A body that cannot be looked into may hold anything, so it is not kept, and that is told.
#[tokio::test]
async fn what_cannot_be_read_is_not_kept() {
    let folder = Folder::new("unread", &[]);
    let body = "canary in a coding that nobody knows";
    let reply = format!("HTTP/1.1 200 OK\r\ncontent-encoding: rot13\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let upstream = RawServer::start([Reply::of([reply.as_bytes()])]).await;
    let proxy = recorder(&upstream.base(), 1, &folder.0).await;
    let (received, _) = soon(every_byte(&proxy, CREATE, "", b"{}")).await;
    soon(proxy.recorded()).await;
    assert!(received.ends_with(body.as_bytes()), "the client gets it");
    assert_eq!(files(&folder.0).len(), 1, "only the version");
    let failures = proxy.recording().unwrap().failures;
    assert_eq!(
        failures,
        ["ark/recorded/0001: not recorded: the content coding rot13 is not known, so its secrets cannot be taken out"]
    );
}
