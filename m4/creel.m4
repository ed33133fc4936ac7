# SPDX-License-Identifier: MIT
# CREEL_CHECK_FLAGS(VARIABLE, FLAGS): put into VARIABLE those of FLAGS that the C compiler takes.
AC_DEFUN([CREEL_CHECK_FLAGS], [
  $1=
  for creel_flag in $2; do
    AC_MSG_CHECKING([whether $CC takes $creel_flag])
    creel_save=$CFLAGS
    CFLAGS="$CFLAGS -Werror $creel_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
      [AC_MSG_RESULT([yes]); $1="$[]$1 $creel_flag"], [AC_MSG_RESULT([no])])
    CFLAGS=$creel_save
  done
])
