/* SPDX-License-Identifier: MIT
 * main: creeld. The supervisor and its roles come with the rooms they start.
 */
