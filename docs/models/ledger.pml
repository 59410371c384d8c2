/* The ledger of money and tokens (ADR 43, CAP-21, BUD-3), small enough to look at every order of events: processes that
 * lease, hold, settle and give back, and that may be killed between any two steps. A step of the database is one
 * atomic statement: the transaction of a debit, or the statement that gives back.
 *
 *   spin -a ledger.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan -m100000
 *
 * With -DTWICE a call is settled twice, with -DAGAIN what may have been given back is given back once more, with
 * -DUNCHECKED a debit does not look at the limit: each of these must be found. */

#ifndef PROCESSES
#define PROCESSES 2
#endif
#ifndef LIMIT
#define LIMIT 5
#endif
#define LARGEST 2   /* most that a call may need */
#ifndef KILLS
#define KILLS 1     /* how often each process may be killed */
#endif
#ifndef CALLS
#define CALLS 2     /* how many calls each process makes between two starts */
#endif

/* What the database has. */
byte used = 0;

/* What the world knows, and no process: what calls have spent of what was debited, and what was debited beyond the limit
 * because a provider counted more than was held. */
byte spent = 0;
byte excess = 0;

/* What each process has in its memory: the rest of its lease, what its running calls hold, what is on its way back, and
 * what is owed. All of it is gone when it is killed. */
byte lease[PROCESSES];
byte held[PROCESSES];
byte back[PROCESSES];
byte owed[PROCESSES];

/* The promise: what was spent, what running calls may spend, and what can be spent without asking the database is never
 * more than what the database counts; and that is never more than the limit, but for what providers counted beyond
 * what was held for them. What is owed is in no count until it is written. */
inline check() {
  d_step {
    total = spent;
    i = 0;
    do
    :: i < PROCESSES -> total = total + lease[i] + held[i] + back[i]; i++
    :: else -> break
    od;
    assert(total <= used);
    assert(used <= LIMIT + excess);
    i = 0; total = 0
  }
}

/* What was in memory is gone; calls that ran may have come to all that they held. */
inline kill(me) {
  atomic {
    kills++;
    calls = 0;
    spent = spent + held[me];
    lease[me] = 0; held[me] = 0; back[me] = 0; owed[me] = 0
  }
}

/* A call that needs `need` units: from the lease, else by a debit that may bring a lease beyond them. */
inline hold(me) {
  done = false;
  atomic {
    if
    :: lease[me] >= need -> lease[me] = lease[me] - need; held[me] = held[me] + need; done = true
    :: else
    fi
  }
  if
  :: done
  :: else ->
    fetched = 0;
    atomic {
      if
#ifdef UNCHECKED
      :: used <= LIMIT -> used = used + need; fetched = need
#endif
      :: used + need <= LIMIT -> used = used + need; fetched = need
      :: used + need + 1 <= LIMIT -> used = used + need + 1; fetched = need + 1
      :: else
      fi
    }
    /* Killed here, nobody has what was fetched. */
    if
    :: skip
    :: kills < KILLS -> kill(me); fetched = 0
    fi;
    atomic {
      if
      :: fetched > 0 -> lease[me] = lease[me] + fetched - need; held[me] = held[me] + need; done = true
      :: else
      fi
    }
  fi
}

/* The call came to `cost`: less than it held, which goes back into the lease or to the database, or more. */
inline settle(me) {
  atomic {
    held[me] = held[me] - need;
    if
    :: cost <= need -> spent = spent + cost; lease[me] = lease[me] + need - cost
    :: cost <= need -> spent = spent + cost; back[me] = back[me] + need - cost
    :: cost > need && lease[me] >= cost - need ->
      spent = spent + cost; lease[me] = lease[me] - (cost - need)
    :: cost > need && lease[me] < cost - need ->
      spent = spent + need + lease[me];
      owed[me] = owed[me] + (cost - need) - lease[me]; lease[me] = 0
    fi
  }
}

/* Writes what is to go back and what is owed, or loses the answer: then what was to go back is forgotten, as it may have
 * gone, and what is owed stays owed, and may so be written twice. */
inline correct(me) {
  atomic {
    if
    :: used = used + owed[me] - back[me]; spent = spent + owed[me]; excess = excess + owed[me];
      if
      :: owed[me] = 0
      :: owed[me] > 0 && excess < 3 -> skip /* the answer was lost */
      fi
    :: skip /* it never came */
    fi;
#ifdef AGAIN
    if
    :: back[me] = 0
    :: skip
    fi
#else
    back[me] = 0
#endif
  }
}

proctype ledger(byte me) {
  byte need, cost, fetched, calls, kills, i, total;
  bool done;
  do
  :: calls < CALLS ->
    calls++;
    if
    :: need = 1
    :: need = LARGEST
    fi;
    hold(me);
    check();
    if
    :: done && kills < KILLS -> kill(me); check()
    :: done ->
      if
      :: cost = 0
      :: cost = need
      :: cost = need + 1
      fi;
      settle(me);
#ifdef TWICE
      atomic {
        if
        :: cost < need -> lease[me] = lease[me] + need - cost
        :: else
        fi
      };
#endif
      check()
    :: else
    fi;
    need = 0; cost = 0; fetched = 0; done = false
  :: back[me] + owed[me] > 0 -> correct(me); check()
  :: lease[me] > 0 ->
    /* Nobody used it for a while. */
    atomic { back[me] = back[me] + lease[me]; lease[me] = 0 };
    check()
  :: kills < KILLS ->
    kill(me);
    check()
  :: calls == CALLS && lease[me] == 0 && back[me] + owed[me] == 0 -> break
  od
}

init {
  byte n = 0;
  atomic {
    do
    :: n < PROCESSES -> run ledger(n); n++
    :: else -> break
    od
  }
}
