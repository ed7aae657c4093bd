/* SPDX-License-Identifier: Apache-2.0 */
#include "app/live/live_address.h"

#include <errno.h>

#include <sys/socket.h>

int live_address_ask(struct live_address *a, const char *host)
{
	struct gaicb *list[] = { &a->request };

	a->hints = (struct addrinfo){ .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	a->request = (struct gaicb){ .ar_name = host, .ar_request = &a->hints };
	a->asks = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) == 0;
	return a->asks ? 0 : -EAGAIN;
}

static const struct addrinfo *address_at(const struct addrinfo *list, uint32_t number)
{
	const struct addrinfo *at = list;

	while (at && number-- > 0)
		at = at->ai_next ? at->ai_next : list;
	return at;
}

int live_address_take(struct live_address *a, uint32_t number, char out[LIVE_ADDRESS_TEXT])
{
	int err = a->asks ? gai_error(&a->request) : EAI_NONAME;
	const struct addrinfo *at;

	if (err == EAI_INPROGRESS)
		return -EAGAIN;
	a->asks = false;
	at = err ? NULL : address_at(a->request.ar_result, number);
	err = at ? getnameinfo(at->ai_addr, at->ai_addrlen, out, LIVE_ADDRESS_TEXT, NULL, 0,
			       NI_NUMERICHOST)
		 : EAI_NONAME;
	if (a->request.ar_result)
		freeaddrinfo(a->request.ar_result);
	a->request.ar_result = NULL;
	return err ? -ENOENT : 0;
}

bool live_address_drop(struct live_address *a)
{
	char text[LIVE_ADDRESS_TEXT];

	return !a->asks || live_address_take(a, 0, text) != -EAGAIN;
}
