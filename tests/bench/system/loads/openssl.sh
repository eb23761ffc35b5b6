# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: openssl
# threads: openssl
# Every algorithm, most of them hand-written assembler.
run() {
	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do openssl speed -seconds 1 -bytes 4096 >/dev/null 2>&1 & timeout $(($1 + 1)) openssl speed -elapsed -seconds 1 aes-128-gcm aes-256-cbc chacha20-poly1305 sha1 sha256 sha512 sha3-256 md5 rsa2048 ecdsap256 ecdhx25519 ed25519 camellia-128-cbc ghash >/dev/null 2>&1; kill $!; done
}
