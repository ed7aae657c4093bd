/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record pages (docs/adr/0060): each question of the web thread is answered by what this node has of the extension, and what all others say that
 * they have. Who does not answer in time has nothing. Control thread.
 */
#ifndef APP_DAEMON_PAGE_H
#define APP_DAEMON_PAGE_H

#include "app/node/node_sip.h"
#include "sig/remote/remote_news.h"

struct node;

/* Before the web listener that has them. 0 or -errno. */
int node_pages_open(struct node *n) NODISCARD;
void node_pages_close(struct node *n); /* behind that one */
/* Another node has answered. */
void node_page_told(struct node *n, const struct remote_paged *told);

#endif
