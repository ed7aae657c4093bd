/* SPDX-License-Identifier: Apache-2.0 */
/* What a conference is called by (RFC 4579 4.2): its number, or, where it has none, a name of its own, or one with its id. */
#ifndef SIG_ROOM_ROOM_NAME_H
#define SIG_ROOM_ROOM_NAME_H

#include "sig/room/room.h"
#include "sig/sip/conf_name.h"

enum { ROOM_USER_MAX = CONF_NAME_MAX };

/* The user of its URI; in space, or of the room. */
struct bytes room_name(const struct room *r, uint8_t space[ROOM_USER_MAX]);
/* As whom the calls of those who call it are shown to others: not by what lets in. */
struct bytes room_shown(const struct room *r, uint8_t space[ROOM_USER_MAX]);
/* What it is called by, as a member knows it. */
struct bytes room_member_names(const struct room_member *m, uint8_t space[ROOM_USER_MAX]);

#endif
