/* SPDX-License-Identifier: Apache-2.0 */
/* Digest access authentication, client side (RFC 3261 22.1 to 22.3, RFC 7616, RFC 8760): reads a
 * challenge, and writes the header that answers it. Pure. We have H(user:realm:password) only, so
 * only challenges of that realm are answered. */
#ifndef SIG_SIP_DIGEST_CLIENT_H
#define SIG_SIP_DIGEST_CLIENT_H

#include "sig/sip/digest.h"

enum {
	DIGEST_CLIENT_TEXT_MAX = 512,  /* longest realm, nonce and opaque that are answered */
	DIGEST_CLIENT_LINE_MAX = 3072, /* room for the line of an answer */
};

/* Our account there. user and realm pass digest_client_is_plain. */
struct digest_account {
	struct bytes user, realm;
	struct digest_secret secret;
};
/* It stands between quotes as it is, and is not longer than what is answered. */
bool digest_client_is_plain(struct bytes text);

/* One challenge. */
struct digest_client_challenge {
	struct bytes realm, nonce, opaque; /* as between their quotes */
	enum digest_algorithm algorithm;
	enum digest_qop qop;
	bool session; /* "-sess" */
	bool stale;
};

enum digest_asked {
	DIGEST_ASKED_OK,      /* *out is filled */
	DIGEST_ASKED_NOTHING, /* no challenge of the Digest scheme that reads well */
	DIGEST_ASKED_REALM,   /* none of our realm; out->realm: of the first other one */
	DIGEST_ASKED_UNKNOWN, /* of our realm, but no algorithm or qop that we know */
};

/* Of all challenges in Proxy-Authenticate (proxy) or WWW-Authenticate, the one of the realm with
 * the strongest algorithm. */
enum digest_asked digest_client_choose(struct digest_client_challenge *out,
				       const struct sip_message *m, bool proxy, struct bytes realm);

/* The request that answers. */
struct digest_answering {
	struct bytes method, uri, body; /* as sent; uri: of the request line */
	uint32_t nc;                    /* how often this nonce was answered, with this: from 1 */
	uint64_t cnonce;                /* the same for all answers to a nonce */
	bool proxy;
};
/* "Authorization: Digest ..." or Proxy-Authorization, with CRLF. Returns false if a text is too
 * long or cannot be quoted, or OpenSSL lacks the hash; *w may hold a part then. */
bool digest_client_write(struct writer *w, const struct digest_client_challenge *ask,
			 const struct digest_account *account,
			 const struct digest_answering *r) NODISCARD;

#endif
