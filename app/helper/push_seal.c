/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypts the content of a push for one browser (RFC 8291 3.4, RFC 8188 2) and signs who sends it
 * (RFC 8292 2), by OpenSSL. push.c posts what comes out. One record holds all, as RFC 8291 4 asks
 * for. Keys that are made here are wiped here.
 */

#include "app/helper/push_seal.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"

enum {
	HASH = 32,
	CEK = 16,
	NONCE = 12,
	TAG = 16,
	RECORD = 4096,
	LAST = 2, /* the delimiter of the last record (RFC 8188 2) */
	SIGNATURE_MAX = 80,
	CONTEXT_MAX = 128,
};

/* ---- keys ---- */

int push_pair_of(struct push_pair *out, const uint8_t scalar[PUSH_SCALAR])
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *d = BN_bin2bn(scalar, PUSH_SCALAR, NULL);
	EC_POINT *point = group ? EC_POINT_new(group) : NULL;
	int err = point && d ? 0 : -ENOMEM;

	if (!err && (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0))
		err = -EINVAL;
	if (!err && (!EC_POINT_mul(group, point, d, NULL, NULL, NULL) ||
		     EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out->point,
					PUSH_POINT, NULL) != PUSH_POINT))
		err = -ENOMEM;
	if (!err)
		memcpy(out->scalar, scalar, PUSH_SCALAR);
	EC_POINT_free(point);
	BN_clear_free(d);
	EC_GROUP_free(group);
	return err;
}

int push_pair_derive(struct push_pair *out, const uint8_t key[32], struct bytes context)
{
	uint8_t text[CONTEXT_MAX + 1], scalar[PUSH_SCALAR] = { 0 };
	size_t n = context.n < CONTEXT_MAX ? context.n : CONTEXT_MAX;
	int err = -EINVAL;

	memcpy(text, context.p, n);
	for (uint8_t again = 0; err == -EINVAL && again < UINT8_MAX; again++) {
		text[n] = again;
		err = HMAC(EVP_sha256(), key, 32, text, n + 1, scalar, NULL)
			      ? push_pair_of(out, scalar)
			      : -ENOMEM;
	}
	OPENSSL_cleanse(scalar, sizeof(scalar));
	return err;
}

/* scalar NULL: the public key alone. NULL: it is no point of the curve, or no memory. */
static EVP_PKEY *push_key(const uint8_t point[PUSH_POINT], const uint8_t *scalar)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIGNUM *d = scalar ? BN_bin2bn(scalar, PUSH_SCALAR, NULL) : NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, PUSH_POINT) &&
	    (!scalar || (d && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d))))
		params = OSSL_PARAM_BLD_to_param(build);
	if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, scalar ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) <=
		    0)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_clear_free(d);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* ---- content ---- */

/* What both sides know: ECDH of one's private and the other's public key. */
static int push_shared(uint8_t out[HASH], const struct push_pair *own,
		       const uint8_t receiver[PUSH_POINT])
{
	EVP_PKEY *key = push_key(own->point, own->scalar), *peer = push_key(receiver, NULL);
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t n = HASH;
	int err = !key ? -ENOMEM : peer ? 0 : -EINVAL;

	if (!err && (!ctx || EVP_PKEY_derive_init(ctx) <= 0))
		err = -ENOMEM;
	if (!err && EVP_PKEY_derive_set_peer(ctx, peer) <= 0)
		err = -EINVAL;
	if (!err && (EVP_PKEY_derive(ctx, out, &n) <= 0 || n != HASH))
		err = -EINVAL;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(key);
	return err;
}

/* HKDF (RFC 5869) of one block: of a salt, what is keyed, and what it is for. */
static bool push_hkdf(uint8_t out[HASH], struct bytes salt, struct bytes keyed, struct bytes info)
{
	uint8_t prk[HASH], text[256];
	struct writer w = writer_over(text, sizeof(text));
	bool ok;

	writer_bytes(&w, info);
	writer_u8(&w, 1);
	ok = !w.overflow && HMAC(EVP_sha256(), salt.p, (int)salt.n, keyed.p, keyed.n, prk, NULL) &&
	     HMAC(EVP_sha256(), prk, sizeof(prk), text, w.n, out, NULL);
	OPENSSL_cleanse(prk, sizeof(prk));
	return ok;
}

/* RFC 8291 3.4: keying material of this content, by the secret of the subscription. */
static int push_material(uint8_t out[HASH], const struct push_content *c)
{
	uint8_t shared[HASH] = { 0 }, text[256];
	struct writer info = writer_over(text, sizeof(text));
	int err = push_shared(shared, &c->sender, c->receiver);

	writer_bytes(&info, bytes_mem("WebPush: info", sizeof("WebPush: info")));
	writer_bytes(&info, bytes_mem(c->receiver, PUSH_POINT));
	writer_bytes(&info, bytes_mem(c->sender.point, PUSH_POINT));
	if (!err && !push_hkdf(out, bytes_mem(c->auth, PUSH_AUTH), bytes_mem(shared, HASH),
			       writer_done(&info)))
		err = -ENOMEM;
	OPENSSL_cleanse(shared, sizeof(shared));
	return err;
}

static bool push_cipher(uint8_t *out, uint8_t tag[TAG], const uint8_t *key, const uint8_t *nonce,
			struct bytes plain)
{
	static const uint8_t last = LAST;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, more = 0;
	bool ok = ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, nonce) &&
		  EVP_EncryptUpdate(ctx, out, &n, plain.p, (int)plain.n) &&
		  EVP_EncryptUpdate(ctx, out + n, &more, &last, 1) &&
		  EVP_EncryptFinal_ex(ctx, out + n + more, &n) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, tag);

	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

int push_encrypt(struct writer *w, const struct push_content *c)
{
	struct bytes salt = bytes_mem(c->salt, PUSH_SALT), material;
	uint8_t ikm[HASH] = { 0 }, key[HASH], nonce[HASH], tag[TAG], out[PUSH_PLAIN_MAX + 1];
	int err = c->plain.n > PUSH_PLAIN_MAX ? -EINVAL : push_material(ikm, c);

	material = bytes_mem(ikm, HASH);
#define PUSH_INFO(text) bytes_mem(text, sizeof(text)) /* its NUL belongs to it */
	if (!err && (!push_hkdf(key, salt, material, PUSH_INFO("Content-Encoding: aes128gcm")) ||
		     !push_hkdf(nonce, salt, material, PUSH_INFO("Content-Encoding: nonce")) ||
		     !push_cipher(out, tag, key, nonce, c->plain)))
		err = -ENOMEM;
#undef PUSH_INFO
	if (!err) {
		writer_bytes(w, salt);
		writer_be32(w, RECORD);
		writer_u8(w, PUSH_POINT);
		writer_bytes(w, bytes_mem(c->sender.point, PUSH_POINT));
		writer_bytes(w, bytes_mem(out, c->plain.n + 1));
		writer_bytes(w, bytes_mem(tag, TAG));
		err = w->overflow ? -EINVAL : 0;
	}
	OPENSSL_cleanse(ikm, sizeof(ikm));
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(nonce, sizeof(nonce));
	return err;
}
static_assert(PUSH_PLAIN_MAX + 1 + TAG + PUSH_SALT + 4 + 1 + PUSH_POINT == PUSH_BODY_MAX,
	      "one record");

/* ---- the sender ---- */

/* ES256 (RFC 7518 3.4): two numbers of 32 octets, where OpenSSL gives them as DER. */
static int push_sign(uint8_t out[2 * PUSH_SCALAR], const struct push_pair *own, struct bytes text)
{
	EVP_PKEY *key = push_key(own->point, own->scalar);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[SIGNATURE_MAX];
	const uint8_t *at = der;
	size_t n = sizeof(der);
	ECDSA_SIG *signature = NULL;
	int err = -ENOMEM;

	if (key && ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) > 0 &&
	    EVP_DigestSign(ctx, der, &n, text.p, text.n) > 0)
		signature = d2i_ECDSA_SIG(NULL, &at, (long)n);
	if (signature &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, PUSH_SCALAR) == PUSH_SCALAR &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + PUSH_SCALAR, PUSH_SCALAR) ==
		    PUSH_SCALAR)
		err = 0;
	ECDSA_SIG_free(signature);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return err;
}

int push_vapid_write(struct writer *w, const struct push_pair *own, struct bytes origin,
		     const char *contact, uint64_t until_utc_s)
{
	json_t *claims =
		json_pack("{s:s%, s:I}", "aud", origin.p, origin.n, "exp", (json_int_t)until_utc_s);
	uint8_t signature[2 * PUSH_SCALAR];
	char *text = NULL;
	size_t at;
	int err;

	if (claims && contact[0])
		(void)json_object_set_new(claims, "sub", json_string(contact));
	text = json_dumps(claims, JSON_COMPACT);
	json_decref(claims);
	if (!text)
		return -ENOMEM;
	writer_str(w, "vapid t=");
	at = w->n;
	base64url_write(w, BYTES_LIT("{\"typ\":\"JWT\",\"alg\":\"ES256\"}"));
	writer_str(w, ".");
	base64url_write(w, bytes_str(text));
	free(text);
	err = w->overflow ? -EINVAL : push_sign(signature, own, bytes_from(writer_done(w), at));
	if (err)
		return err;
	writer_str(w, ".");
	base64url_write(w, bytes_mem(signature, sizeof(signature)));
	writer_str(w, ", k=");
	base64url_write(w, bytes_mem(own->point, PUSH_POINT));
	return w->overflow ? -EINVAL : 0;
}
