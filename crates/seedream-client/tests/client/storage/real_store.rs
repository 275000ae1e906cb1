//! Against moto, over HTTP.

use std::{path::Path, sync::Arc};

use seedream_client::{
    ReqwestTransport,
    storage::{BucketOutput, BucketSettings, Proof, check},
};

use super::{job, moto::Moto, names, open, png, provider, settings};

fn of(moto: &Moto, url: &str) -> BucketSettings {
    settings(url, &[("AWS_ENDPOINT_URL_S3", &moto.url()), ("AWS_ALLOW_HTTP", "true")])
}

async fn opened(moto: &Moto, spool: &Path) -> BucketOutput {
    open(of(moto, "s3://pictures/foxes"), spool, ReqwestTransport::new()).await.unwrap()
}

#[tokio::test]
async fn small_and_large_images_and_their_metadata_are_objects() {
    let Some(moto) = Moto::start() else { return };
    moto.create_bucket("pictures");
    for (images, bytes) in [(1, 100), (6, 100), (1, 15_000_000)] {
        let spool = tempfile::tempdir().unwrap();
        let output = opened(&moto, spool.path()).await;
        assert_eq!((output.warnings(), output.proof()), (&[][..], Proof::Md5));
        let before = moto.keys("pictures");
        let (client, wire) = provider(images, bytes);
        let outcome = job(&client, &output, spool.path()).run().await.unwrap();
        assert_eq!((outcome.images.len(), &outcome.record, wire.posts()), (images, &None, 1));
        for (index, image) in outcome.images.iter().enumerate() {
            let url = image.location.to_string();
            let key = url.strip_prefix("s3://pictures/").unwrap();
            assert!(moto.object("pictures", key) == png(index, bytes), "{key}");
        }
        let sidecar = outcome.sidecar.unwrap().to_string();
        assert!(moto.keys("pictures").contains(&sidecar["s3://pictures/".len()..].to_owned()), "{sidecar}");
        assert_eq!(moto.keys("pictures").len() - before.len(), images + 1);
        assert_eq!((names(spool.path()), moto.uploads("pictures").len()), (vec![], 0));
    }
}

#[tokio::test]
async fn a_check_uses_every_request_and_leaves_nothing() {
    let Some(moto) = Moto::start() else { return };
    moto.create_bucket("pictures");
    let checked = check(&of(&moto, "s3://pictures"), Arc::new(ReqwestTransport::new())).await;
    assert!(checked.is_usable() && checked.steps.iter().all(|step| step.ok), "{checked:#?}");
    let steps: Vec<_> = checked.steps.iter().map(|step| step.step).collect();
    assert_eq!(steps, ["put", "head", "checksum", "get", "multipart", "abort", "delete"]);
    assert_eq!((moto.keys("pictures").len(), moto.uploads("pictures").len()), (0, 0));
    let missing = check(&of(&moto, "s3://nowhere"), Arc::new(ReqwestTransport::new())).await;
    assert_eq!((missing.is_usable(), missing.steps.len()), (false, 1), "{missing:#?}");
    assert!(missing.steps[0].detail.contains("NoSuchBucket; create the bucket"), "{missing:#?}");
}
