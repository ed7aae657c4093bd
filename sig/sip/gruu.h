/* SPDX-License-Identifier: Apache-2.0 */
/* Globally routable URIs of one phone (RFC 5627). A public one is its user's address with the
 * phone's instance: sip:1010@host;gr=urn:… A temporary one shows neither: sip:tgruu.…@host;gr,
 * where user, phone and Call-ID are sealed. So no node stores them: a holder of the cluster's key
 * reads all, and others can make none (appendix A.2 with a seal instead of a table). Pure but for
 * the randomness given. */
#ifndef SIG_SIP_GRUU_H
#define SIG_SIP_GRUU_H

#include "base/seal.h"
#include "sig/sip/message.h"

enum {
	GRUU_USER_MAX = 64,   /* with its NUL */
	GRUU_VALUE_MAX = 384, /* of the parameter; longer ones are not ours */
	GRUU_NAMED_MAX = 640, /* of gruu_name */
};

/* A phone of a user, as a registrar knows it. */
struct gruu_phone {
	struct bytes tenant, user; /* user: without escapes */
	struct bytes instance;     /* +sip.instance without its quotes */
	struct bytes call_id;      /* of its REGISTER */
};

/* What the address of the user has besides. */
struct gruu_home {
	bool secure;       /* sips */
	struct bytes host; /* as in a URI, with its port */
};

/* What a URI names. */
struct gruu {
	bool temporary;
	struct bytes instance;    /* public: as the URI has it */
	uint64_t phone, run;      /* temporary: what was its instance and its Call-ID */
	char user[GRUU_USER_MAX]; /* temporary: the user */
};

/* The name of a phone is a URN in angle brackets (RFC 5626 4.1). Others have no such URI. */
bool gruu_has(struct bytes instance);
void gruu_write_public(struct writer *w, const struct gruu_phone *phone,
		       const struct gruu_home *home);
/* Another one each time. */
void gruu_write_temporary(struct writer *w, const struct gruu_phone *phone,
			  const struct gruu_home *home, const struct seal_key *key,
			  struct rand_source *rand);
/* Returns 0; -ENOENT: not a GRUU; -EBADMSG: not of that tenant, or no longer valid. */
int gruu_read(struct gruu *out, const struct sip_uri *uri, struct bytes tenant,
	      const struct seal_key *key) NODISCARD;
/* It names a phone, and not its user alone. */
static inline bool gruu_is_one(const struct gruu *g)
{
	return g->temporary || g->instance.n;
}
/* It is that phone's. */
bool gruu_is_of(const struct gruu *g, struct bytes instance);
/* That phone has it as long as it registers by that Call-ID. A public one is always. */
bool gruu_is_of_run(const struct gruu *g, struct bytes call_id);

/* What is left of such a URI without its host: "1010;gr=urn:…". */
void gruu_name(struct writer *w, const struct sip_uri *uri);
/* The same again as a URI without a host. */
struct sip_uri gruu_named(struct bytes name);

#endif
