//! A witness's private key as text: `PRIVATE+KEY+name+key id+base64(0x04 ‖ seed)`, the form of signed-note tools.

use crate::{
    cli::output::{Failure, chain},
    model::ambient::{Entropy, random},
    store::witnessed::Witnessed,
    tlog::{ALG_COSIGNATURE_V1, CosignatureSigner, KeyName},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use std::path::Path;
use zeroize::Zeroizing;

const START: &str = "PRIVATE+KEY+";

/// A new key and its text.
pub(super) fn generate(name: &str, entropy: &dyn Entropy) -> Result<(CosignatureSigner, Zeroizing<String>), Failure> {
    let name: KeyName = name.parse().map_err(|e| Failure::refused(format!("--name {name:?}: {e}")))?;
    let seed = Zeroizing::new(random::<32>(entropy));
    let signer = signer(&name, &seed)?;
    let mut bytes = Zeroizing::new(vec![ALG_COSIGNATURE_V1]);
    bytes.extend_from_slice(&*seed);
    let encoded = Zeroizing::new(STANDARD.encode(&*bytes));
    let id = signer.verifier().key_id();
    Ok((signer, Zeroizing::new(format!("{START}{name}+{id:08x}+{}\n", *encoded))))
}

/// The key of a witness's folder.
pub(super) fn read(dir: &Path) -> Result<CosignatureSigner, Failure> {
    let text = Witnessed::key(dir)
        .map_err(|e| Failure::refused(format!("{}. Make a witness with `amana witness new`", chain(&e))))?;
    parse(&text).ok_or_else(|| {
        Failure::refused(format!("{} holds no witness's key: a line {START}NAME+ID+BASE64", dir.display()))
    })
}

fn parse(text: &str) -> Option<CosignatureSigner> {
    let (name, rest) = text.strip_suffix('\n')?.strip_prefix(START)?.split_once('+')?;
    let (id, encoded) = rest.split_once('+')?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let (&ALG_COSIGNATURE_V1, seed) = bytes.split_first()? else { return None };
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(seed.try_into().ok()?);
    let signer = signer(&name.parse().ok()?, &seed).ok()?;
    (id == format!("{:08x}", signer.verifier().key_id())).then_some(signer)
}

fn signer(name: &KeyName, seed: &[u8; 32]) -> Result<CosignatureSigner, Failure> {
    CosignatureSigner::new(name.clone(), SigningKey::from_bytes(seed)).map_err(|e| Failure::from_error(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn key_is_read_as_it_was_written_and_not_otherwise() {
        let (signer, text) = generate("witness.example", &Fixed(7)).unwrap();
        assert_eq!(parse(&text).unwrap().verifier(), signer.verifier());
        let wrong = [
            text.trim_end().to_owned(),
            text.replacen("witness", "wittness", 1),
            text.replacen("PRIVATE", "PUBLIC", 1),
            text.replacen("+B", "+A", 1),
        ];
        for wrong in wrong {
            assert!(parse(&wrong).is_none(), "{wrong}");
        }
        assert!(generate("a name", &Fixed(7)).is_err());
    }
}
