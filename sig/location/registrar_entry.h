/* SPDX-License-Identifier: Apache-2.0 */
/* The entry's values; private to registrar*.c. */
#ifndef SIG_LOCATION_REGISTRAR_ENTRY_H
#define SIG_LOCATION_REGISTRAR_ENTRY_H

#include "sig/location/registrar.h"

/* Octets; what registrar_step lets in, aor_decode takes. */
enum {
	BINDING_CONTACT_MAX = 512,
	BINDING_CALL_ID_MAX = 256,
	BINDING_AGENT_MAX = 128,
	BINDING_INSTANCE_MAX = 128,
	AOR_NAME_MAX = 256,
	AOR_NODE_MAX = 64,
	BINDING_Q_MAX = SIP_Q_MAX,
};

void binding_clear(struct binding *b);
int binding_copy(struct binding *to, const struct binding *from) NODISCARD;
/* Where its phone was before. 0 or -ENOMEM. */
int binding_was(struct binding *b, const struct sip_hop *hop) NODISCARD;
/* Takes one out; the others keep their order. */
void aor_remove(struct aor *a, uint32_t i);
/* There is room for so many from now on. 0 or -ENOMEM. */
int aor_reserve(struct aor *a, uint32_t room) NODISCARD;
/* Puts *b at the end, and takes it over. 0 or -ENOMEM. There are fewer than BINDINGS_MAX. */
int aor_append(struct aor *a, struct binding *b) NODISCARD;

#endif
