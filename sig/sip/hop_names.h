/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names by which others are reached, as numbers that fit into a hop. RFC 5922 7.3: the certificate of whom we call must be for the domain
 * that we were given, not for the host or address to which DNS leads. So the hop keeps that domain. A name keeps its number for good; names
 * come from documents and trusted senders. One table for a node; one thread.
 */
#ifndef SIG_SIP_HOP_NAMES_H
#define SIG_SIP_HOP_NAMES_H

#include "base/bytes.h"

enum { HOP_NAMES_MAX = 16384, HOP_NAME_MAX = 254 };

struct hop_names;

/* 0 or -ENOMEM. */
int hop_names_open(struct hop_names **out) NODISCARD;
void hop_names_close(struct hop_names *n); /* NULL is fine */
/* Case and a '.' at the end make no difference. 0: it is no name of a host, or there is no room, or n is NULL. What has no name is known by
 * its address, so no room never lets anybody in. */
uint16_t hop_names_put(struct hop_names *n, struct bytes name);
/* In lower case. "" of 0. Constant until the table is closed. */
const char *hop_names_text(const struct hop_names *n, uint16_t name);

#endif
