/* SPDX-License-Identifier: Apache-2.0 */
/* Whose pages may open a WebSocket: the web thread's list, and a newer one that the control thread hands over. */
#ifndef APP_WEB_WEB_ORIGINS_H
#define APP_WEB_WEB_ORIGINS_H

#include <stdatomic.h>

#include "app/settings/origin.h"

enum { WEB_ORIGINS_MAX = 16 };

struct web_origins_list {
	uint32_t count;
	char list[WEB_ORIGINS_MAX][ORIGIN_MAX];
};

struct web_origins {
	struct web_origins_list now;              /* web thread */
	_Atomic(struct web_origins_list *) fresh; /* malloc'ed; NULL: nothing newer */
};

void web_origins_open(struct web_origins *o, const char (*list)[ORIGIN_MAX], uint32_t count);
void web_origins_close(struct web_origins *o);
/* The control thread. Out of memory: the old ones stay. */
void web_origins_renew(struct web_origins *o, const char (*list)[ORIGIN_MAX], uint32_t count);
/* The web thread, when it was woken. */
void web_origins_refresh(struct web_origins *o);

#endif
