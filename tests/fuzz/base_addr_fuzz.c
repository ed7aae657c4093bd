/* SPDX-License-Identifier: Apache-2.0 */
/* Oracle: what parses is written as text that parses to the same, and passes through a sockaddr. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct addr *a)
{
	char text[ADDR_TEXT_MAX];
	struct addr back;

	assert(strlen(addr_text(a, text)) < ADDR_TEXT_MAX - 1);
	assert(addr_parse(&back, bytes_str(text)) == 0);
	assert(memcmp(a, &back, sizeof(back)) == 0);
	assert(addr_eq(a, &back) && addr_ip_eq(a, &back));
}

static void check_sockaddr(const struct addr *a)
{
	struct sockaddr_storage ss;
	struct addr back;

	assert(addr_to_sockaddr(a, &ss) > 0);
	assert(addr_from_sockaddr(&back, (struct sockaddr *)&ss) == 0);
	assert(memcmp(a, &back, sizeof(back)) == 0);
}

/* An address is of one class at most. */
static void check_class(const struct addr *a)
{
	assert(addr_is_any(a) + addr_is_loopback(a) + addr_is_private(a) + addr_is_multicast(a) <=
	       1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr a;

	if (addr_parse(&a, bytes_mem(data, size)))
		return 0;
	assert(a.family == ADDR_V4 || a.family == ADDR_V6);
	check_text(&a);
	check_sockaddr(&a);
	check_class(&a);
	return 0;
}
