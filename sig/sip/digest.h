/* SPDX-License-Identifier: Apache-2.0 */
/* Digest access authentication, server side: RFC 3261 22, 7616, 8760. Nonces are HMACs of their
 * time and of their recipient's source under the cluster key, so any node can check those of
 * another; nothing is stored per challenge. Algorithms: SHA-256, SHA-512-256, MD5; qop auth and
 * auth-int, and none for RFC 2069 clients with MD5. */
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
	/* 1 << enum digest_algorithm of each that challenges offer and answers may use. 0: MD5
	 * only, as phones with libre 1.1.0 (baresip of Debian 12) give up if any other is offered,
	 * in any order. */
	unsigned offer;
};

enum digest_verdict {
	DIGEST_OK,
	DIGEST_MISSING, /* no credentials for our realm: challenge */
	DIGEST_STALE,   /* right, but the nonce is old: challenge with stale=true */
	/* the nonce was not given to this source: nothing else was checked; challenge with
	 * stale=true */
	DIGEST_FOREIGN,
	DIGEST_WRONG,     /* wrong response or user: challenge again; count it */
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
	uint64_t nonce_id; /* its name: it cannot be chosen */
	uint64_t nonce_utc_ms;
	bool old; /* the nonce is */
};

/* proxy: Proxy-Authorization (407), else Authorization (401). DIGEST_OK: *out is filled, to be
 * proven. Never DIGEST_STALE nor DIGEST_WRONG. */
enum digest_verdict digest_read(struct digest_answer *out, const struct digest_server *s,
				const struct sip_message *m, bool proxy, uint64_t utc_ms);
/* Returns DIGEST_OK, DIGEST_STALE or DIGEST_WRONG. secret NULL: an unknown user; takes the same
 * time and returns DIGEST_WRONG. */
enum digest_verdict digest_prove(const struct digest_answer *a, const struct digest_server *s,
				 const struct sip_message *m, const struct digest_secret *secret);

/* The same for HTTP (RFC 7616): value is that of the one Authorization header, which *out points
 * into. Whether its uri is that of the request is for the caller to say. qop auth-int is
 * malformed: nobody has the body yet. */
enum digest_verdict digest_read_http(struct digest_answer *out, const struct digest_server *s,
				     struct bytes value, const struct addr *source,
				     uint64_t utc_ms);
enum digest_verdict digest_prove_http(const struct digest_answer *a, const struct digest_server *s,
				      struct bytes method, const struct digest_secret *secret);
/* The value of a header WWW-Authenticate, with the nonce of digest_nonce_put. False: s does not
 * offer the algorithm. */
bool digest_challenge_http(const struct digest_server *s, struct writer *w,
			   enum digest_algorithm algorithm, bool stale,
			   const char nonce[]) NODISCARD;

/* Writes whole header lines (with CRLF), one per offered algorithm, best first (RFC 8760 2.4).
 * source: the address that answers are accepted from. random: 64 fresh bits for the nonce. */
void digest_challenge(const struct digest_server *s, struct writer *w, bool proxy, bool stale,
		      const struct addr *source, uint64_t utc_ms, uint64_t random);
uint64_t digest_nonce_lifetime_ms(const struct digest_server *s);

/* The parameters of an Authorization header (RFC 7616 3.4), read and checked (private). */

/* Credentials of our realm in (Proxy-)Authorization. Returns 1: *out filled, 0: none, -EBADMSG:
 * malformed. */
int digest_credentials_find(struct digest_credentials *out, const struct sip_message *m, bool proxy,
			    struct bytes realm);

/* The hashes of digest authentication over OpenSSL (private). */

enum { DIGEST_PARTS_MAX = 6, DIGEST_HEX_MAX = 2 * DIGEST_HASH_MAX };

/* A hash as the lower-case hex text that goes into the next one. */
struct digest_text {
	char p[DIGEST_HEX_MAX];
	size_t n;
};

const char *digest_name(enum digest_algorithm algorithm);
/* "SHA-256", or "SHA-256-sess": *session. Empty: MD5 (RFC 7616 3.3, 3.4). Returns false if
 * unknown. */
bool digest_algorithm_read(struct bytes text, enum digest_algorithm *out, bool *session) NODISCARD;
/* The same as text. */
bool digest_hash_text(enum digest_algorithm algorithm, const struct bytes *parts, size_t n,
		      struct digest_text *out) NODISCARD;
struct bytes digest_text_bytes(const struct digest_text *t);

/* Stateless nonces: hex of time (64 bits, UTC ms), random (64 bits) and the truncated HMAC of both
 * with the realm and the source under the cluster key (private). The source is an IPv4 address or
 * an IPv6 /64, without the port: a NAT may change it, and a phone opens another connection. */

enum { DIGEST_MAC_LEN = 16, DIGEST_NONCE_LEN = 2 * (8 + 8 + DIGEST_MAC_LEN) };

enum digest_nonce { DIGEST_NONCE_FRESH, DIGEST_NONCE_OLD, DIGEST_NONCE_FOREIGN };

void digest_nonce_put(char out[DIGEST_NONCE_LEN], const struct digest_server *s,
		      const struct addr *source, uint64_t utc_ms, uint64_t random);
/* Of a->c.nonce. Unless it is foreign its name and time are filled in. */
enum digest_nonce digest_nonce_check(struct digest_answer *a, const struct digest_server *s,
				     const struct addr *source, uint64_t utc_ms);

/* What both sides of digest authentication compute (RFC 7616 3.4.1) (private). */

/* Of the request, as sent. */
struct digest_body {
	struct bytes method, body; /* body: counts for auth-int alone */
};

/* From user, nonce, uri, cnonce and counts of c, not its response. Returns false if OpenSSL lacks
 * the hash. */
bool digest_response(const struct digest_credentials *c, const struct digest_secret *secret,
		     const struct digest_body *of, struct digest_text *out) NODISCARD;

#endif
