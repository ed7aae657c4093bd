/* SPDX-License-Identifier: Apache-2.0 */
/* Names in URIs: the meaning of a user part, a host with its port, an extension with its location.
 * Pure. */
#ifndef SIG_SIP_URI_H
#define SIG_SIP_URI_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/compiler.h"
#include "sig/sip/message.h"

/* The user part of a URI: a number or a name with parameters of its own, as in
 * sip:1010;phone-context=+49@host;user=phone (RFC 3261 19.1.6, RFC 3966) or sip:1010;tgrp=x@host
 * (RFC 4904). */
struct subscriber {
	struct bytes name;   /* escapes as written */
	struct bytes params; /* behind its first ';' */
	bool phone;          /* user=phone, or tel: separators of a number mean nothing */
};

/* Every URI that was read has one; its name may be empty. */
struct subscriber subscriber_of(const struct sip_uri *uri);
/* The name without escapes, and without separators for telephone numbers: "+49 (30) 1-2" is
 * "+493012". Returns 0; -EINVAL: no name, or one that no text may hold; -ENOSPC. */
int subscriber_text(const struct subscriber *s, char *out, size_t cap) NODISCARD;

enum { SIP_PLACE_HOST_MAX = 128 };

/* A host by name or address from settings and documents, written as hostport (RFC 3261 25.1). */
struct sip_place {
	char host[SIP_PLACE_HOST_MAX];
	uint16_t port; /* 0: as RFC 3263 says; of an address that of its transport */
};

/* "host", "host:port", "[v6]:port". 0 or -EINVAL. */
int sip_place_read(struct sip_place *out, struct bytes text) NODISCARD;

/* The authentication name of a phone that includes its location: "286xatgnemx2" is extension 286 at
 * location 2 (REG-32). The address of record is 286 nevertheless. */

#define LOCATED_MARK "xatgnemx"
enum { LOCATION_MAX = 65535 };

/* False: it says no location, and *extension is the whole. */
bool located_user_split(struct bytes user, struct bytes *extension, uint16_t *location);
void located_user_write(struct writer *w, struct bytes extension, uint16_t location);
/* "2": without zeros in front. 0 or -EINVAL. */
int location_read(struct bytes text, uint16_t *location) NODISCARD;

#endif
