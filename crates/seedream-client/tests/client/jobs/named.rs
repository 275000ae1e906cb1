//! Jobs whose images have names of the caller's own.

use std::sync::Arc;

use seedream_client::FolderOutput;

use super::*;
use crate::tiny_dialects::Tiny;

#[tokio::test]
async fn images_and_metadata_have_the_names_of_the_template_and_replace_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let client = client(Tiny, &wire(|_, _| Act::ok(ONE)));
    for template in ["{slug}.{index}", "{slug}.{index}", "{provider} {model}"] {
        let output = FolderOutput::new(folder.path()).named(template.parse().unwrap());
        let outcome = client.job(request()).output(Arc::new(output)).run().await.unwrap();
        assert_eq!(outcome.images.len(), 1);
    }
    let mut names: Vec<_> =
        folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "a-lighthouse.0.json",
            "a-lighthouse.0.png",
            "a-lighthouse.1.json",
            "a-lighthouse.1.png",
            "tiny_tiny-1-0.json",
            "tiny_tiny-1-0.png"
        ]
    );
}
