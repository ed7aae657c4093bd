/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of a host, by the resolver of the system, which nobody waits for. */
#ifndef APP_LIVE_LIVE_ADDRESS_H
#define APP_LIVE_LIVE_ADDRESS_H

#include <netdb.h>

#include "base/bytes.h"

enum { LIVE_ADDRESS_TEXT = 64 };

/* Where it lies is told to the resolver: it is not moved or freed while live_address_asks. */
struct live_address {
	struct gaicb request;
	struct addrinfo hints;
	bool asks;
};

/* 0 or -errno. The name lives as long. */
int live_address_ask(struct live_address *a, const char *host) NODISCARD;
/* -EAGAIN: not yet; -ENOENT: there is none; 0: number (of them, from the first on, again and again) is in *out. */
int live_address_take(struct live_address *a, uint32_t number,
		      char out[LIVE_ADDRESS_TEXT]) NODISCARD;
/* False: not yet, it is still asked for. */
bool live_address_drop(struct live_address *a);

#endif
