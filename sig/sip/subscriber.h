/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user part of a URI as what it names: a number or a name, with parameters of its own behind it, as in
 * sip:1010;phone-context=+49@host;user=phone (RFC 3261 19.1.6, RFC 3966) or sip:1010;tgrp=x@host (RFC 4904). Pure.
 */
#ifndef SIG_SIP_SUBSCRIBER_H
#define SIG_SIP_SUBSCRIBER_H

#include "sig/sip/message.h"

struct subscriber {
	struct bytes name;   /* escapes as written */
	struct bytes params; /* behind its first ';' */
	bool phone;          /* user=phone, or tel: separators of a number mean nothing */
};

/* Every URI that was read has one; its name may be empty. */
struct subscriber subscriber_of(const struct sip_uri *uri);
/* The name without escapes, and without separators where it is a telephone number: "+49 (30) 1-2" is "+493012". 0; -EINVAL: no name, or
 * one that no text may hold; -ENOSPC. */
int subscriber_text(const struct subscriber *s, char *out, size_t cap) NODISCARD;

#endif
