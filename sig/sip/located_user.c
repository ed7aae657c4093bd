/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/located_user.h"

#include <errno.h>
#include <string.h>

int location_read(struct bytes text, uint16_t *location)
{
	uint32_t n;

	if (!text.n || text.p[0] == '0' || bytes_u32(text, &n) || n > LOCATION_MAX)
		return -EINVAL;
	*location = (uint16_t)n;
	return 0;
}

/* The last mark: a number may have letters, a location has none. */
bool located_user_split(struct bytes user, struct bytes *extension, uint16_t *location)
{
	const size_t mark = sizeof(LOCATED_MARK) - 1;
	size_t at = user.n > mark ? user.n - mark : 0;

	*extension = user;
	*location = 0;
	while (at && memcmp(user.p + at, LOCATED_MARK, mark) != 0)
		at--;
	if (!at || location_read(bytes_from(user, at + mark), location))
		return false;
	*extension = bytes_sub(user, 0, at);
	return true;
}

void located_user_write(struct writer *w, struct bytes extension, uint16_t location)
{
	writer_bytes(w, extension);
	writer_number(w, LOCATED_MARK, location, "");
}
