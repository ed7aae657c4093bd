/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to web servers of tenants, without network: signatures, and allowed addresses. */
#ifndef APP_HELPER_WEBHOOK_H
#define APP_HELPER_WEBHOOK_H

#include "base/addr.h"

enum {
	WEBHOOK_SECRET_MIN = 24, /* octets */
	WEBHOOK_SECRET_MAX = 64,
	WEBHOOK_SECRET_TEXT_MAX = 96, /* "whsec_" and base64 */
	WEBHOOK_SIGNATURE_MAX = 48,   /* "v1," and base64 of 32 octets, and NUL */
	WEBHOOK_SECRETS_MAX = 4,      /* while they are changed, each signs */
	WEBHOOK_HEADERS_MAX = 2048,
	WEBHOOK_SECRETS_TEXT_MAX = 288, /* of all, joined by ',' */
	WEBHOOK_NETWORKS_MAX = 16,
	WEBHOOK_ANSWER_MAX = 65536,
};

struct webhook_secret {
	uint8_t octets[WEBHOOK_SECRET_MAX];
	size_t n;
};

struct webhook_network {
	struct addr net;
	uint8_t bits;
};

/* Of "whsec_" and base64. 0 or -EINVAL. */
int webhook_secret_read(struct webhook_secret *out, struct bytes text) NODISCARD;
/* Several, joined by ','; an empty text has none. 0 or -EINVAL: one is wrong, or too many. */
int webhook_secrets_read(struct webhook_secret out[WEBHOOK_SECRETS_MAX], size_t *count,
			 struct bytes text) NODISCARD;
/* What stands in webhook-signature. */
void webhook_sign(char out[WEBHOOK_SIGNATURE_MAX], const struct webhook_secret *secret,
		  struct bytes id, uint64_t utc_s, struct bytes body);

struct webhook_request {
	const char *method;
	struct bytes url, id, body; /* the URL as it is asked: http, https, ws or wss */
	uint64_t utc_s;
};
/* Header lines, each with a NUL behind it: id and time of the request, and by each secret two
 * signatures (ADR 139). webhook-signature covers id, time and body, as in Standard Webhooks;
 * Signature (RFC 9421) also method, host, path and query. */
void webhook_headers(struct writer *w, const struct webhook_secret *secrets, size_t count,
		     const struct webhook_request *r);

/* Networks joined by ',': "10.0.0.0/8", or one address. 0; -EINVAL; -ENOSPC: too many. */
int webhook_networks_read(struct webhook_network out[WEBHOOK_NETWORKS_MAX], size_t *count,
			  struct bytes text) NODISCARD;
/* Whether a server there may be asked: of the internet, or of those networks.
 * own: an address of this machine. */
bool webhook_allowed(const struct addr *a, bool own, const struct webhook_network *networks,
		     size_t count);

/* Without scheme, user and password; the path, and what is behind it, in *path. */
struct bytes webhook_url_authority(struct bytes url, struct bytes *path);
/* As in Host (RFC 9110 7.2: without the default port), and in the request line. */
void webhook_url_host(struct writer *w, struct bytes url);
void webhook_url_target(struct writer *w, struct bytes url);
/* False: its host is an address that may not be asked; names are not resolved here. */
bool webhook_url_allowed(struct bytes url, struct bytes networks);

/* A URL as it is shown: without user, password, query and fragment. */
void webhook_url_shown(struct writer *w, struct bytes url);
/* The same in place: *** for user and password, values of the query, and the fragment. Not whole,
 * as for events and roles below administrator: scheme, host and port, and an ellipsis, as a path
 * may be a secret. A text that is no URL stays. */
#define WEBHOOK_URL_MASK "***"
void webhook_url_masked(struct writer *w, struct bytes text, bool whole);

#endif
