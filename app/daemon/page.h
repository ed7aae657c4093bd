/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record pages (docs/adr/0060): each question of the web thread is answered by what this node has of the extension, and what all others say that
 * they have. Who does not answer in time has nothing. Control thread.
 */
#ifndef APP_DAEMON_PAGE_H
#define APP_DAEMON_PAGE_H

#include "app/web/web_asks.h"
#include "sig/remote/remote_news.h"

struct node;

/* Others are asked. */
struct node_paging {
	struct node *node;
	uint64_t serial; /* 0: the place is free */
	uint64_t id;     /* of the web's question */
	uint64_t deadline_ns;
	uint32_t awaited; /* answers */
	struct record_page best;
};

struct node_pages {
	struct web_asks *asks;         /* NULL: there are no pages */
	uint8_t key[WEB_PAGE_KEY_LEN]; /* of links */
	struct node_paging list[WEB_ASKS_MAX];
};

/* Before the web listener that has them. 0 or -errno. */
int node_pages_open(struct node *n) NODISCARD;
void node_pages_close(struct node *n); /* behind that one */
/* Another node has answered. */
void node_page_told(struct node *n, const struct remote_paged *told);

#endif
