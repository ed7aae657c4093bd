/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager how the process is (sd_notify(3)), where it wants to know: NOTIFY_SOCKET. */
#ifndef APP_NODE_NODE_WAIT_H
#define APP_NODE_NODE_WAIT_H

/* "READY=1", "STOPPING=1". Any thread; never blocks. */
void notify_manager(const char *state);

#endif
