/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/room/room_member.h"

#include <errno.h>
#include <stdlib.h>

int room_member_make(struct room_member **out, uint64_t room, uint64_t call)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->room = room;
	(*out)->call = call;
	return 0;
}

void room_member_clear(struct room_member **member)
{
	if (*member)
		room_told_clear(&(*member)->told);
	free(*member);
	*member = NULL;
}
