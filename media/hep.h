/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEP version 3, the encapsulation in which copies of messages go to a collector (EEP/HEP3, as in
 * Homer): one datagram per message, of chunks: vendor 0, type, length, value. Pure.
 */
#ifndef MEDIA_HEP_H
#define MEDIA_HEP_H

#include "base/addr.h"

enum hep_type {
	HEP_SIP = 1,
	HEP_RTCP = 5,
};

enum {
	HEP_PASSWORD_MAX = 64,
	HEP_ROOM = 320,          /* octets beside the payload, at most */
	HEP_PAYLOAD_MAX = 65000, /* of one datagram */
	HEP_TRANSPORT_TCP = 6,   /* numbers of IP */
	HEP_TRANSPORT_UDP = 17,
};

struct hep_packet {
	uint64_t utc_ns;
	const struct addr *from, *to;
	uint8_t transport; /* HEP_TRANSPORT_; TLS and WebSockets are TCP */
	enum hep_type type;
	uint32_t capture_id;
	struct bytes password;    /* empty: no password; at most HEP_PASSWORD_MAX */
	struct bytes correlation; /* the call's id; empty: unknown */
	struct bytes payload;
};

/* 0 or -EMSGSIZE: payload or writer. Nothing is written then. */
int hep_write(struct writer *w, const struct hep_packet *p) NODISCARD;

#endif
