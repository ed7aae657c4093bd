/* SPDX-License-Identifier: Apache-2.0 */
/* What is trusted of a side's headers about caller and history, and what that side is told (RFC
 * 3324, RFC 3325). A phone is not trusted, a peer of sip.trusted is. Pure. */
#ifndef SIG_IDENTITY_POLICY_H
#define SIG_IDENTITY_POLICY_H

#include "sig/sip/lex.h"

/* What a call carries from one side to the other: id, header, the most of it, and whether a header
 * has several of them, separated by commas. Numbers are bits of policies; lines are written in this
 * order. */
#define CARRIED(X)                                  \
	X(ASSERTED, "P-Asserted-Identity", 2, true) \
	X(PRIVACY, "Privacy", 1, false)             \
	X(DIVERSION, "Diversion", 8, true)          \
	X(HISTORY, "History-Info", 16, true)        \
	X(UUI, "User-to-User", 4, true)             \
	X(GEOLOCATION, "Geolocation", 4, true)      \
	X(ROUTING, "Geolocation-Routing", 1, false) \
	X(IDENTITY, "Identity", 4, false)           \
	X(DATE, "Date", 1, false)                   \
	X(NUMBER, "Number-Portability", 1, false)   \
	X(EXTRA, "", 16, false)

enum carried {
#define X(id, name, most, list) CARRIED_##id,
	CARRIED(X)
#undef X
		CARRIED_KINDS
};

enum { IDENTITY_EXTRA_MAX = 8, IDENTITY_EXTRA_NAME_MAX = 32 };

/* Names of headers beginning with X-, each alone or with a '*' at its end for all that begin so. */
struct identity_extra {
	uint8_t count;
	char names[IDENTITY_EXTRA_MAX][IDENTITY_EXTRA_NAME_MAX];
};

struct identity_policy {
	bool trusted;   /* within the trust domain (RFC 3324): it hides what is to be hidden */
	uint16_t takes; /* of it: 1 << enum carried */
	uint16_t tells; /* to it */
	const struct identity_extra *extra; /* both ways; NULL: none */
};

static inline bool identity_takes(const struct identity_policy *p, enum carried kind)
{
	return (p->takes >> kind & 1) != 0;
}
static inline bool identity_tells(const struct identity_policy *p, enum carried kind)
{
	return (p->tells >> kind & 1) != 0;
}

/* The name of a header that begins with X- is on the list. */
bool identity_has_extra(const struct identity_extra *extra, struct bytes name);
/* NULL, or why that is no list's name. */
static inline const char *identity_extra_wrong(struct bytes name)
{
	if (!bytes_istarts(name, "X-") || !lex_is_token(name))
		return "it names a header that begins with X-";
	if (bytes_find(name, '*') + 1 < name.n)
		return "a '*' stands at the end alone";
	return NULL;
}

/* Which ways a kind of header goes. */
enum identity_way { IDENTITY_BOTH, IDENTITY_IN, IDENTITY_OUT, IDENTITY_OFF };

/* What a trunk's document says. */
struct identity_trunk {
	bool untrusted;
	uint8_t ways[CARRIED_KINDS]; /* enum identity_way */
	struct identity_extra extra;
};

/* As long as *t. */
struct identity_policy identity_of_trunk(const struct identity_trunk *t);
/* The default. extra: the node's. */
struct identity_policy identity_of_phone(const struct identity_extra *extra);
struct identity_policy identity_of_peer(const struct identity_extra *extra);
/* Another shard: what it says was judged there. */
struct identity_policy identity_of_inter_shard(void);

struct dialog;
struct digest_account;
struct leg;
struct secret_guess;
struct sip_hop;

/* Who others are to us, and who we are to them (sig/host/host.h). */
struct identity_service {
	/* The identity policy of the leg's side: what is trusted from it and told to it. */
	struct identity_policy (*policy)(void *owner, const struct leg *leg);
	/* Whether the sender is trusted to name others: its routes, Contacts and media addresses
	 * count. */
	bool (*trusts)(void *owner, const struct sip_hop *hop);
	/* Our credentials towards the party of a dialog when challenged. Slices of *out live until
	 * the next event. Returns false without any. */
	bool (*account)(void *owner, const struct dialog *d, struct digest_account *out);
	/* A PIN or password was tried: informs other nodes. */
	void (*share_guess)(void *owner, const struct secret_guess *g, bool right);
};

#endif
