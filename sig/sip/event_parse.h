/* SPDX-License-Identifier: Apache-2.0 */
/* Event (RFC 6665 8.2.1): the package, and the id that distinguishes a party's subscriptions in one
 * dialog. Accept (RFC 3261 20.1). Pure. */
#ifndef SIG_SIP_EVENT_PARSE_H
#define SIG_SIP_EVENT_PARSE_H

#include "base/bytes.h"

enum { EVENT_ID_MAX = 64 };

struct event_name {
	struct bytes package; /* with its templates: "dialog", "presence.winfo" */
	struct bytes id;      /* empty: none */
};

/* Returns 0 or -EINVAL: not a token, or an id that is invalid, too long or repeated. */
int event_parse(struct event_name *out, struct bytes value) NODISCARD;
/* Whether one value of Accept allows bodies of that type: by name, by "application/" and a star, or
 * by two stars; not with q=0. */
bool accept_takes(struct bytes value, const char *type);

#endif
