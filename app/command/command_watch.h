/* SPDX-License-Identifier: Apache-2.0 */
/* What pages are told about their users. Control thread. */
#ifndef APP_COMMAND_COMMAND_WATCH_H
#define APP_COMMAND_COMMAND_WATCH_H

struct effect;
struct node;
struct web_asks;

/* 0 or -errno. */
int command_watch_open(struct node *node, struct web_asks **out);
void command_watch_close(struct node *node);
/* EFFECT_USER. */
void command_user_changed(const struct effect *e, void *arg);

#endif
