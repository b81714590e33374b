//! A device: the key that a browser makes for one session, and what it signs with it (W3C Device Bound Session Credentials, ES256); and what a
//! browser asks of its session with that.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use edge_oauth_sessions::actors::session::address::existing_session;
use edge_oauth_sessions::actors::session::follow;
use edge_oauth_sessions::actors::session::message::{
    Attested, BindDevice, Binding, Consequence, Denied, DeviceDenied, DeviceEvidence, GetToken, RenewProof, Renewal,
};
use edge_oauth_sessions::actors::{self, AskError};
use edge_oauth_sessions::credential::ActorId;
use edge_oauth_sessions::device::{ChallengeKind, Thumbprint};
use futures::future::join;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};

use super::executor::Executor;
use super::world::{Cookie, World};

/// How long a bound session is served without a proof, and a little longer.
pub const GRACE: Duration = Duration::from_secs(11);

/// See the module.
#[derive(Clone)]
pub struct DeviceKey(SigningKey);

impl DeviceKey {
    /// A fresh one.
    pub fn new(executor: &Executor) -> Self {
        let mut bytes = [0; 32];
        executor.random(&mut bytes);
        // Nearly every number is below the order of the curve. This makes it every one.
        bytes[0] &= 0x7f;
        Self(SigningKey::from_slice(&bytes).unwrap())
    }

    fn coordinates(&self) -> [String; 2] {
        let point = self.0.verifying_key().to_sec1_point(false);
        let bytes = point.as_bytes();
        [&bytes[1..33], &bytes[33..]].map(|half| BASE64_URL_SAFE_NO_PAD.encode(half))
    }

    /// The thumbprint of its public half.
    pub fn thumbprint(&self) -> Thumbprint {
        let [x, y] = self.coordinates();
        Thumbprint::of(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
    }

    /// The answer to the challenge of an offer: it brings the key.
    pub fn registers(&self, challenge: &str) -> String {
        let [x, y] = self.coordinates();
        let jwk = format!(r#","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
        self.signs(&jwk, challenge)
    }

    /// The answer to the challenge of a renewal.
    pub fn answers(&self, challenge: &str) -> String {
        self.signs("", challenge)
    }

    fn signs(&self, jwk: &str, challenge: &str) -> String {
        let encode = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
        let header = encode(format!(r#"{{"alg":"ES256","typ":"dbsc+jwt"{jwk}}}"#));
        let text = format!("{header}.{}", encode(format!(r#"{{"jti":"{challenge}"}}"#)));
        let signature: Signature = self.0.sign(text.as_bytes());
        format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

/// The challenge of an offer to bind the session in this actor.
pub fn offer(world: &World, actor: &ActorId) -> String {
    world
        .config
        .device
        .keys
        .challenge(ChallengeKind::Register, actor, world.executor.now())
        .unwrap()
        .as_str()
        .to_owned()
}

/// A browser answers the challenge of an offer.
pub async fn answer_offer(world: &World, cookie: &Cookie, key: &DeviceKey, challenge: &str) -> Result<Binding, Denied> {
    let bind = || BindDevice {
        token: key.registers(challenge),
        endpoint: "https://app.example/auth/device/register".to_owned(),
        secret: Some(cookie.secret.clone()),
    };
    follow::ask(&world.gateway(), &cookie.actor, bind).await?.reply
}

/// The same at once.
pub async fn bind(world: &World, cookie: &Cookie, key: &DeviceKey) -> Result<Binding, Denied> {
    let challenge = offer(world, &cookie.actor);
    answer_offer(world, cookie, key, &challenge).await
}

/// A browser asks for a challenge, or answers it.
pub async fn renew(world: &World, cookie: &Cookie, token: Option<String>) -> Result<Renewal, Denied> {
    let renew = || RenewProof {
        token: token.clone(),
        endpoint: "https://app.example/auth/device/refresh".to_owned(),
        secret: Some(cookie.secret.clone()),
    };
    follow::ask(&world.gateway(), &cookie.actor, renew).await?.reply
}

pub async fn challenge(world: &World, cookie: &Cookie) -> String {
    match renew(world, cookie, None).await {
        Ok(Renewal::Challenge(challenge)) => challenge.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Whether this key's answer to a challenge of the session's renews its proof.
pub async fn is_renewed_with(world: &World, cookie: &Cookie, key: &DeviceKey) -> bool {
    let answer = key.answers(&challenge(world, cookie).await);
    matches!(renew(world, cookie, Some(answer)).await, Ok(Renewal::Renewed { .. }))
}

/// Why a request does not pass.
struct NotPassed(DeviceDenied);

impl From<AskError> for NotPassed {
    fn from(error: AskError) -> Self {
        Self(Denied::from(error).into())
    }
}

/// A request with the session's cookie and no proof.
pub async fn get_unproven(world: &World, cookie: &Cookie) -> Result<(), DeviceDenied> {
    let evidence = DeviceEvidence { consequence: Consequence::Final, ..DeviceEvidence::default() };
    let followed = follow::follow(&cookie.actor, async |lives_in| {
        let get = GetToken { secret: cookie.secret.clone(), navigation_from: None };
        let attested = Attested::of(cookie.secret.clone(), evidence.clone(), None, get).unwrap();
        match actors::ask(&world.gateway(), &existing_session(lives_in), attested).await? {
            Ok(reply) => Ok(reply.read::<GetToken>().map_err(AskError::Refused)?),
            Err(DeviceDenied::Other(denied)) => Ok(Err(denied)),
            Err(denied) => Err(NotPassed(denied)),
        }
    });
    followed.await.map_err(|NotPassed(denied)| denied)?.reply.map(drop).map_err(DeviceDenied::from)
}

/// The session is bound to this key and to no other one.
pub async fn is_bound_to(world: &World, cookie: &Cookie, key: &DeviceKey) {
    assert!(is_renewed_with(world, cookie, key).await, "{:#?}", world.log.borrow());
    assert!(!is_renewed_with(world, cookie, &DeviceKey::new(&world.executor)).await);
    world.wait(GRACE).await;
    assert_eq!(get_unproven(world, cookie).await, Err(DeviceDenied::ProofRequired));
}

/// The session is bound to nothing, and can be bound.
pub async fn is_unbound(world: &World, cookie: &Cookie) {
    world.wait(GRACE).await;
    assert_eq!(get_unproven(world, cookie).await, Ok(()));
    let key = DeviceKey::new(&world.executor);
    let bound = bind(world, cookie, &key).await;
    assert!(matches!(bound, Ok(Binding::Bound { .. })), "{bound:?}");
    is_bound_to(world, cookie, &key).await;
}

/// What comes of a registration, if this happens while its signature is checked.
pub async fn bind_while<T>(
    world: &World,
    cookie: &Cookie,
    key: &DeviceKey,
    happens: impl Future<Output = T>,
) -> (Result<Binding, Denied>, T) {
    world.signatures.hold();
    let meanwhile = async {
        world.wait(Duration::from_millis(10)).await;
        assert_eq!(world.signatures.waiting(), 1);
        let happened = happens.await;
        world.signatures.let_all_go();
        happened
    };
    join(bind(world, cookie, key), meanwhile).await
}

/// The same of an answer to a challenge.
pub async fn renew_while<T>(
    world: &World,
    cookie: &Cookie,
    key: &DeviceKey,
    happens: impl Future<Output = T>,
) -> (Result<Renewal, Denied>, T) {
    let answer = key.answers(&challenge(world, cookie).await);
    world.signatures.hold();
    let meanwhile = async {
        world.wait(Duration::from_millis(10)).await;
        assert_eq!(world.signatures.waiting(), 1);
        let happened = happens.await;
        world.signatures.let_all_go();
        happened
    };
    join(renew(world, cookie, Some(answer)), meanwhile).await
}

/// In a world of its own with a session and a key.
pub fn with_session(variables: &[(&str, &str)], story: impl AsyncFn(World, Cookie, DeviceKey) + 'static) {
    let world = World::new(variables);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        let key = DeviceKey::new(&world.executor);
        story(world, cookie, key).await;
    });
}
