/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/room/room_name.h"

#include <string.h>

#include "sig/sip/id.h"

#define NAME_BEGINS "conf-"

static struct bytes room_name_write(const char *number, uint64_t room, uint8_t space[ROOM_USER_MAX])
{
	struct writer w = writer_over(space, ROOM_USER_MAX);
	char id[ID_TEXT_LEN];

	if (number[0])
		return bytes_str(number);
	id_call_put(id, room);
	writer_str(&w, NAME_BEGINS);
	writer_mem(&w, id, sizeof(id));
	return writer_done(&w);
}

struct bytes room_name(const struct room *r, uint8_t space[ROOM_USER_MAX])
{
	return room_name_write(r->number, r->id, space);
}

struct bytes room_member_names(const struct room_member *m, uint8_t space[ROOM_USER_MAX])
{
	return room_name_write(m->number_called, m->room, space);
}

bool room_name_get(struct bytes user, uint64_t *id)
{
	return bytes_starts(user, NAME_BEGINS) &&
	       !id_call_get(bytes_from(user, strlen(NAME_BEGINS)), id);
}
