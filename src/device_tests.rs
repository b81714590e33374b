use super::*;

const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn keys(secrets: &[&str]) -> DeviceKeys {
    DeviceKeys::derive(secrets.iter().map(|secret| secret.as_bytes()))
}

fn actor(digit: char) -> ActorId {
    digit.to_string().repeat(64).parse().unwrap()
}

#[test]
fn a_proof_is_good_for_its_actor_until_it_expires() {
    let thumbprint = Thumbprint::of("key");
    let until = T0 + PROOF_LIFE;
    let proof = keys(&["new"]).proof(&actor('a'), &thumbprint, until).unwrap();
    let proven = Some(Proven { thumbprint, expires_at: until });
    assert_eq!(keys(&["new"]).proven(&actor('a'), &proof, T0), proven);
    assert_eq!(keys(&["newer", "new"]).proven(&actor('a'), &proof, until - Duration::SECOND), proven);
    assert_eq!(keys(&["new"]).proven(&actor('a'), &proof, until), None);
    assert_eq!(keys(&["new"]).proven(&actor('b'), &proof, T0), None);
    assert_eq!(keys(&["other"]).proven(&actor('a'), &proof, T0), None);
    assert_eq!(keys(&[]).proof(&actor('a'), &thumbprint, until), None);
}

#[test]
fn a_proof_that_was_changed_or_cut_is_none() {
    let keys = keys(&["secret"]);
    let proof = keys.proof(&actor('a'), &Thumbprint::of("key"), T0 + PROOF_LIFE).unwrap();
    for at in 0..proof.len() {
        let mut changed = proof.clone().into_bytes();
        changed[at] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(keys.proven(&actor('a'), &changed, T0), None, "{changed}");
        assert_eq!(keys.proven(&actor('a'), proof.get(..at).unwrap(), T0), None, "{at}");
    }
}

#[test]
fn a_challenge_is_good_for_its_kind_and_time() {
    let keys = keys(&["secret"]);
    for (kind, other) in
        [(ChallengeKind::Register, ChallengeKind::Renew), (ChallengeKind::Renew, ChallengeKind::Register)]
    {
        let challenge = keys.challenge(kind, &actor('a'), T0).unwrap();
        let challenge = challenge.as_str();
        let last = T0 + kind.life() - Duration::MILLISECOND;
        assert_eq!(keys.challenged(kind, challenge, last), Some(actor('a')));
        assert_eq!(keys.challenged(kind, challenge, T0 + kind.life()), None);
        assert_eq!(keys.challenged(other, challenge, T0), None);
        assert_eq!(keys.challenged(kind, &challenge.replace('a', "b"), T0), None);
        assert_eq!(keys.proven(&actor('a'), challenge, T0), None);
    }
}

#[test]
fn keys_do_not_show_themselves_in_debug_output() {
    assert_eq!(format!("{:?}", keys(&["secret"])), "DeviceKeys(1 [redacted])");
}

#[test]
fn a_challenge_does_not_show_itself_in_debug_output() {
    let challenge = keys(&["secret"]).challenge(ChallengeKind::Register, &actor('a'), T0).unwrap();
    assert_eq!(format!("{challenge:?}"), "Challenge([redacted])");
}
