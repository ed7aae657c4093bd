/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/room/room_name.h"

#include <assert.h>

static struct bytes room_name_write(const char *number, uint64_t room, uint8_t space[ROOM_USER_MAX])
{
	struct writer w = writer_over(space, ROOM_USER_MAX);

	if (number[0])
		return bytes_str(number);
	conf_name_write(&w, room);
	return writer_done(&w);
}

static_assert((int)MEMBER_NAMED_MAX == (int)CONF_NAME_MAX, "a room has one of these");

struct bytes room_name(const struct room *r, uint8_t space[ROOM_USER_MAX])
{
	return r->name[0] ? bytes_str(r->name) : room_shown(r, space);
}

struct bytes room_shown(const struct room *r, uint8_t space[ROOM_USER_MAX])
{
	return room_name_write(r->number, r->id, space);
}

struct bytes room_member_names(const struct room_member *m, uint8_t space[ROOM_USER_MAX])
{
	return m->named[0] ? bytes_str(m->named)
			   : room_name_write(m->number_called, m->room, space);
}
