"""
The other end of a session, made of packages of the OMEMO project (x3dh and doubleratchet, by Tim Henkes) with this
project's parameters for the classic suite. Reads one JSON command a line and answers one JSON object a line; bytes are
hexadecimal. Addresses, labels and layouts are written here a second time, from the specification.

  {"do": "bundle", "ids"}                    -> its identity and prekeys, signed
  {"do": "begin", "bundle", "plaintext"}     -> a first message to whoever's bundle it is
  {"do": "accept", "message"}                -> the plaintext of a first message to it
  {"do": "seal", "plaintext"}                -> a message
  {"do": "open", "message"}                  -> a plaintext, or {"error"}
"""
import asyncio
import hashlib
import json
import secrets
import sys
import uuid
from unittest import mock

import nacl.bindings as sodium
import xeddsa
from doubleratchet import AuthenticationFailedException, DoubleRatchet, DuplicateMessageException
from doubleratchet.aead import AEAD
from doubleratchet.recommended import HashFunction, diffie_hellman_ratchet_curve25519, kdf_hkdf, kdf_separate_hmacs
from doubleratchet.types import EncryptedMessage, Header
import x3dh
from x3dh.identity_key_pair import IdentityKeyPairSeed

APP = sys.argv[1].encode()

# Bytes of what precedes a first message.
HEADER = 84


class RootKdf(kdf_hkdf.KDF):
    @staticmethod
    def _get_hash_function():
        return HashFunction.SHA_256

    @staticmethod
    def _get_info():
        return APP + b"/e2ee/v1/root"


class MessageKdf(kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function():
        return HashFunction.SHA_256


class Aead(AEAD):
    @staticmethod
    async def encrypt(plaintext, key, associated_data):
        nonce = secrets.token_bytes(24)
        return nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
            plaintext, associated_data, nonce, await Aead._key(key)
        )

    @staticmethod
    async def decrypt(ciphertext, key, associated_data):
        try:
            return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
                ciphertext[24:], associated_data, ciphertext[:24], await Aead._key(key)
            )
        except Exception as failed:
            raise AuthenticationFailedException() from failed

    @staticmethod
    async def _key(key):
        return await MessageKey.derive(b"\x00" * 32, key, 32)


class MessageKey(kdf_hkdf.KDF):
    @staticmethod
    def _get_hash_function():
        return HashFunction.SHA_256

    @staticmethod
    def _get_info():
        return APP + b"/e2ee/v1/msg"


def header_bytes(header):
    return (
        bytes([1, 1, 1])
        + header.ratchet_pub
        + header.previous_sending_chain_length.to_bytes(4, "big")
        + header.sending_chain_length.to_bytes(4, "big")
    )


class Ratchet(DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data, header):
        return associated_data + header_bytes(header)


class Handshake(x3dh.BaseState):
    @staticmethod
    def _encode_public_key(key_format, pub):
        return pub


PARAMETERS = dict(
    diffie_hellman_ratchet_class=diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet,
    root_chain_kdf=RootKdf,
    message_chain_kdf=MessageKdf,
    message_chain_constant=b"\x02\x01",
    dos_protection_threshold=2000,
    max_num_skipped_message_keys=2000,
    aead=Aead,
)


def address(user, device):
    return len(user.encode()).to_bytes(4, "big") + user.encode() + uuid.UUID(device).bytes


def u32(value):
    return value.to_bytes(4, "big")


class Peer:
    """A device; `own` and `theirs` are its and the other's address."""

    def __init__(self, own, theirs):
        self.own, self.theirs = own, theirs
        self.seed = secrets.token_bytes(32)
        self.state = self.handshake(b"")
        self.state.generate_pre_keys(1)
        self.identity = self.state.bundle.identity_key
        self.ratchet = self.their_identity = None
        self.header = b""

    def handshake(self, info, model=None):
        form, sha256 = x3dh.IdentityKeyFormat.ED_25519, x3dh.HashFunction.SHA_256
        if model is not None:
            return Handshake.from_model(model, form, sha256, info)
        return Handshake.create(form, sha256, info, IdentityKeyPairSeed(self.seed))

    def info(self, initiator, responder, ephemeral, ids, signed, one_time):
        """Each side is (address, identity); ids are those of the signed and of the one-time prekey."""
        seen = initiator[0] + responder[0] + initiator[1] + responder[1] + ephemeral + bytes([1, 0])
        seen += u32(ids[0]) + signed + u32(ids[1]) + one_time
        return APP + b"/e2ee/v1/x3dh" + bytes([1]) + hashlib.sha256(seen).digest()

    def context(self, sending, header=b""):
        ends = [(self.own, self.identity), (self.theirs, self.their_identity)]
        (sender, sender_key), (receiver, receiver_key) = ends if sending else reversed(ends)
        return APP + b"/e2ee/v1/aad" + sender + receiver + sender_key + receiver_key + header

    def bundle(self, command):
        signed, created = self.state.bundle.signed_pre_key, 5
        statement = APP + b"/e2ee/v1/spk" + self.own + u32(command["ids"][0]) + created.to_bytes(8, "big") + signed
        secret = sodium.crypto_sign_seed_keypair(self.seed)[1]
        return {
            "identity": self.identity.hex(),
            "signed": signed.hex(),
            "signature": sodium.crypto_sign(statement, secret)[:64].hex(),
            "created_at": created,
            "one_time": next(iter(self.state.bundle.pre_keys)).hex(),
        }

    async def begin(self, command):
        bundle = {name: bytes.fromhex(value) for name, value in command["bundle"].items()}
        ids = command["ids"]
        self.their_identity = bundle["identity"]
        secret = secrets.token_bytes(32)
        ephemeral = xeddsa.priv_to_curve25519_pub(secret)
        ends = (self.own, self.identity), (self.theirs, self.their_identity)
        info = self.info(*ends, ephemeral, ids, bundle["signed"], bundle["one_time"])
        theirs = x3dh.Bundle(bundle["identity"], bundle["signed"], bundle["bare_signature"], {bundle["one_time"]})
        # The ephemeral key has a part in `info`, so it has to be known before it is made.
        with mock.patch.object(x3dh.base_state.secrets, "token_bytes", return_value=secret):
            agreed, _, _ = await self.handshake(info, self.state.model).get_shared_secret_active(theirs)
        self.header = bytes([1, 2, 1, 1]) + self.identity + ephemeral + u32(7) + u32(ids[0]) + u32(ids[1]) + u32(0)
        self.ratchet, made = await Ratchet.encrypt_initial_message(
            shared_secret=agreed,
            recipient_ratchet_pub=bundle["signed"],
            message=bytes.fromhex(command["plaintext"]),
            associated_data=self.context(True, self.header),
            **PARAMETERS,
        )
        return {"message": (self.header + header_bytes(made.header) + made.ciphertext).hex()}

    async def accept(self, command):
        message = bytes.fromhex(command["message"])
        header, message = message[:HEADER], message[HEADER:]
        assert header[:4] == bytes([1, 2, 1, 1])
        self.their_identity, ephemeral = header[4:36], header[36:68]
        ids = [int.from_bytes(header[at : at + 4], "big") for at in (72, 76)]
        signed, one_time = self.state.bundle.signed_pre_key, next(iter(self.state.bundle.pre_keys))
        ends = (self.theirs, self.their_identity), (self.own, self.identity)
        info = self.info(*ends, ephemeral, ids, signed, one_time)
        named = x3dh.Header(self.their_identity, ephemeral, signed, one_time)
        agreed, _, pair = await self.handshake(info, self.state.model).get_shared_secret_passive(named)
        self.ratchet, plaintext = await Ratchet.decrypt_initial_message(
            shared_secret=agreed,
            own_ratchet_priv=pair.priv,
            message=parse(message),
            associated_data=self.context(False, header),
            **PARAMETERS,
        )
        return {"plaintext": plaintext.hex()}

    async def seal(self, command):
        made = await self.ratchet.encrypt_message(bytes.fromhex(command["plaintext"]), self.context(True, self.header))
        return {"message": (self.header + header_bytes(made.header) + made.ciphertext).hex()}

    async def open(self, command):
        message = bytes.fromhex(command["message"])
        header = message[:HEADER] if message[1] == 2 else b""
        try:
            plaintext = await self.ratchet.decrypt_message(parse(message[len(header) :]), self.context(False, header))
        except (AuthenticationFailedException, DuplicateMessageException) as refused:
            return {"error": type(refused).__name__}
        self.header = b""
        return {"plaintext": plaintext.hex()}


def parse(message):
    header = Header(
        ratchet_pub=message[3:35],
        previous_sending_chain_length=int.from_bytes(message[35:39], "big"),
        sending_chain_length=int.from_bytes(message[39:43], "big"),
    )
    return EncryptedMessage(header=header, ciphertext=message[43:])


async def main():
    peer = Peer(address(*sys.argv[2:4]), address(*sys.argv[4:6]))
    for line in sys.stdin:
        command = json.loads(line)
        done = getattr(peer, command["do"])(command)
        print(json.dumps(await done if asyncio.iscoroutine(done) else done), flush=True)


asyncio.run(main())
