/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digest access authentication, server side: RFC 3261 22, 7616, 8760. Nonces are HMACs of their time and of the source that they were
 * given to, under the cluster key, so that any node can check what another one gave out; nothing is stored per challenge. Algorithms:
 * SHA-256, SHA-512-256, MD5; qop auth and auth-int, and none for RFC 2069 clients with MD5.
 */
#ifndef SIG_SIP_DIGEST_H
#define SIG_SIP_DIGEST_H

#include "base/addr.h"
#include "sig/sip/message.h"

enum digest_algorithm {
	DIGEST_MD5,
	DIGEST_SHA256,
	DIGEST_SHA512_256,
	DIGEST_ALGORITHMS,
};

enum { DIGEST_HASH_MAX = 32, DIGEST_KEY_LEN = 32, DIGEST_HEADER_MAX = 1024 };
enum { DIGEST_OFFER_ALL = (1 << DIGEST_ALGORITHMS) - 1 }; /* digest_server.offer */

/* H(user:realm:password) of each algorithm: what we keep instead of a password. Binary. */
struct digest_secret {
	uint8_t ha1[DIGEST_ALGORITHMS][DIGEST_HASH_MAX];
};
void digest_secret_make(struct digest_secret *out, struct bytes user, struct bytes realm,
			struct bytes password);

struct digest_server {
	uint8_t key[DIGEST_KEY_LEN]; /* cluster key for nonces */
	char realm[128];
	uint64_t nonce_lifetime_ms; /* then stale=true; default 60 s */
	/* 1 << enum digest_algorithm of each that challenges name and answers may use. 0: MD5 alone, because phones with libre 1.1.0
	 * (baresip of Debian 12) give up when any other is named, in any order. */
	unsigned offer;
};

enum digest_verdict {
	DIGEST_OK,
	DIGEST_MISSING, /* no credentials for our realm: challenge */
	DIGEST_STALE,   /* right, but the nonce is old: challenge with stale=true */
	DIGEST_FOREIGN, /* the nonce is none that we gave to this source: nothing else was looked at; challenge with stale=true */
	DIGEST_WRONG,   /* wrong response or user: challenge again; count it */
	DIGEST_MALFORMED, /* 400 */
};

enum digest_qop { DIGEST_QOP_NONE, DIGEST_QOP_AUTH, DIGEST_QOP_AUTH_INT };

struct digest_credentials {
	struct bytes user, realm, nonce, uri, response, cnonce;
	struct bytes nc_text, qop_text; /* as sent: they go into the hash */
	struct bytes algorithm_text;
	uint32_t nc; /* 1 without qop: such a nonce is good once */
	enum digest_qop qop;
	enum digest_algorithm algorithm;
	bool session; /* "-sess" */
};

/* Credentials that answer a challenge of ours, not proven yet. */
struct digest_answer {
	struct digest_credentials c;
	uint64_t nonce_id; /* its name: nobody can choose it */
	uint64_t nonce_utc_ms;
	bool old; /* the nonce is */
};

/* proxy: Proxy-Authorization (407), else Authorization (401). DIGEST_OK: *out is filled, and to be proven. Never DIGEST_STALE nor
 * DIGEST_WRONG. */
enum digest_verdict digest_read(struct digest_answer *out, const struct digest_server *s,
				const struct sip_message *m, bool proxy, uint64_t utc_ms);
/* DIGEST_OK, DIGEST_STALE or DIGEST_WRONG. secret NULL: the user is not known; takes the same time and gives DIGEST_WRONG. */
enum digest_verdict digest_prove(const struct digest_answer *a, const struct digest_server *s,
				 const struct sip_message *m, const struct digest_secret *secret);
/* Whole header lines (CRLF each), one per offered algorithm, best first (RFC 8760 2.4). source: whose answers are taken.
 * random: 64 fresh bits for the nonce. */
void digest_challenge(const struct digest_server *s, struct writer *w, bool proxy, bool stale,
		      const struct addr *source, uint64_t utc_ms, uint64_t random);
uint64_t digest_nonce_lifetime_ms(const struct digest_server *s);

#endif
