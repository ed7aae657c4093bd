/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/room/room_name.h"

#include <string.h>

#include "sig/sip/id.h"

#define NAME_BEGINS "conf-"

struct bytes room_name(const struct room *r, uint8_t space[ROOM_USER_MAX])
{
	struct writer w = writer_over(space, ROOM_USER_MAX);
	char id[ID_TEXT_LEN];

	if (r->number[0])
		return bytes_str(r->number);
	id_call_put(id, r->id);
	writer_str(&w, NAME_BEGINS);
	writer_mem(&w, id, sizeof(id));
	return writer_done(&w);
}

bool room_name_get(struct bytes user, uint64_t *id)
{
	return bytes_starts(user, NAME_BEGINS) &&
	       !id_call_get(bytes_from(user, strlen(NAME_BEGINS)), id);
}
