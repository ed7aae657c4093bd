/* SPDX-License-Identifier: Apache-2.0 */
/* What a party asks to be hidden: the Privacy header (RFC 3323 4.2, RFC 3325 9.3, RFC 7044 10.1). Pure. */
#ifndef SIG_IDENTITY_PRIVACY_H
#define SIG_IDENTITY_PRIVACY_H

#include "sig/sip/message.h"

enum privacy {
	PRIVACY_HEADER = 1,
	PRIVACY_SESSION = 2,
	PRIVACY_USER = 4,
	PRIVACY_ID = 8,
	PRIVACY_HISTORY = 16,
	PRIVACY_CRITICAL = 32,
	PRIVACY_NONE = 64, /* nothing is to be hidden, whatever others would do */
};

/* Values of a header, separated by ';'; those that nobody knows are passed over. -EINVAL: it has no value, or what is none. */
int privacy_parse(struct bytes value, unsigned *privacy) NODISCARD;
/* Of all its Privacy headers together; one that cannot be read hides all that can be hidden. */
unsigned privacy_of(const struct sip_message *m);
/* "id;user"; nothing for 0. */
void privacy_write(struct writer *w, unsigned privacy);

/* Nobody who is not trusted may hear who it is. */
static inline bool privacy_hides_name(unsigned privacy)
{
	return !(privacy & PRIVACY_NONE) &&
	       (privacy & (PRIVACY_HEADER | PRIVACY_USER | PRIVACY_ID)) != 0;
}
/* ... nor by whom the call came (RFC 7044 10.1.2). */
static inline bool privacy_hides_history(unsigned privacy)
{
	return !(privacy & PRIVACY_NONE) && (privacy & (PRIVACY_HEADER | PRIVACY_HISTORY)) != 0;
}

#endif
