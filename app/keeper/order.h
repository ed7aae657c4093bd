/* SPDX-License-Identifier: Apache-2.0 */
/* What node and keeper say to each other, each a message of a SOCK_SEQPACKET pair: an order, and struct keeper_answer. */
#ifndef APP_KEEPER_ORDER_H
#define APP_KEEPER_ORDER_H

#include <stddef.h>

#include "app/keeper/keeper.h"

enum keeper_word { KEEPER_TAKE, KEEPER_LEAVE, KEEPER_NOTICE };

/* Sent as long as its datagram is. */
struct keeper_order {
	enum keeper_word word;
	char interface[KEEPER_INTERFACE_MAX];
	struct addr address;
	uint8_t datagram[KEEPER_DATAGRAM_MAX];
};

/* The keeper's side: returns when the node is gone and all is done. */
void keeper_run(int orders, const struct keeper_settings *s);

/* The lock of this node's keepers, a descriptor; waits until the one before has let go of it, and kills it where that takes long. -errno */
int keeper_lock(const char *dir);

#endif
