/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/stun.h"

#include <errno.h>

enum { UNKNOWN_ATTRIBUTE = 420 };

static void require(struct stun_unknown *u, bool present, uint16_t type)
{
	if (present && u->count < STUN_UNKNOWN_MAX)
		u->types[u->count++] = type;
}

/* RFC 5626 8: there are no credentials here, nor is there ICE, so these are not understood either. */
static struct stun_unknown unknown_of(const struct stun_message *m)
{
	struct stun_unknown u = m->unknown;

	require(&u, m->username.p, STUN_USERNAME);
	require(&u, m->integrity.p, STUN_MESSAGE_INTEGRITY);
	require(&u, m->has_priority, STUN_PRIORITY);
	require(&u, m->use_candidate, STUN_USE_CANDIDATE);
	return u;
}

int stun_answer(struct writer *w, struct bytes request, const struct addr *source)
{
	struct stun_message m;
	struct stun_unknown unknown;

	if (stun_parse(&m, request) || m.type != STUN_BINDING_REQUEST)
		return -EBADMSG;
	unknown = unknown_of(&m);
	if (unknown.count) {
		stun_begin(w, STUN_BINDING_ERROR, m.transaction);
		stun_put_error(w, UNKNOWN_ATTRIBUTE);
		stun_put_unknown(w, &unknown);
	} else {
		stun_begin(w, STUN_BINDING_SUCCESS, m.transaction);
		stun_put_mapped(w, source);
	}
	return w->overflow ? -ENOSPC : 0;
}
