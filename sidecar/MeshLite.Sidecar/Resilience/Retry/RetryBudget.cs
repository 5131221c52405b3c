using MeshLite.Model;

namespace MeshLite.Sidecar.Resilience.Retry;

/// <summary>
/// Bounds what a destination gets on top of its requests: every retry and every hedge needs a token. Over any stretch of
/// time T
/// <code>retries ≤ percent/100 × requests in (T + interval) + minPerSecond × ⌈T in seconds + 0.1⌉</code>
/// Finagle's RetryBudget (https://finagle.github.io/blog/2016/02/08/retry-budgets/) and GEP-3388
/// (https://gateway-api.sigs.k8s.io/geps/gep-3388/) mean the same. Two sources, the one that lapses sooner first:
/// <list type="number">
/// <item>the minimum: <see cref="RetryBudgetConfig.MinPerSecond"/> within any ten slots of 100 ms, there from the start;</item>
/// <item>deposits: a request is worth percent/100 of a retry, for between 9/10 of the interval and the whole of it. The
/// oldest is spent first, and each is spent once: hence the first term.</item>
/// </list>
/// Thread-safe. <see cref="Deposit"/>, on every request's path, is one compare-and-exchange; <see cref="TryWithdraw"/>
/// takes a lock: something has failed by then.
/// </summary>
internal sealed class RetryBudget
{
    /// <value>What the minimum is counted by. 100 ms.</value>
    public static readonly TimeSpan MinimumSlot = TimeSpan.FromMilliseconds(100);

    private const int Slots = 10;

    /// <summary>A retry costs 100, a request brings its percentage: no fractions, no rounding.</summary>
    private const uint UnitsPerRetry = 100;

    private readonly RetryBudgetConfig _config;
    private readonly SlotClock _depositClock;
    private readonly SlotClock _minimumClock;
    private readonly Lock _withdrawing = new();

    /// <summary>Of each slot its time (upper half) and the units not yet spent: <see cref="SlotWord"/>.</summary>
    private readonly long[] _deposits = new long[Slots];

    /// <summary>Retries the minimum paid for; only under the lock.</summary>
    private readonly long[] _minimumSpent = new long[Slots];

    /// <summary>Belongs to one destination, whose requests all deposit here.</summary>
    public RetryBudget(RetryBudgetConfig config, TimeProvider time)
    {
        _config = config;
        _depositClock = new SlotClock(time, config.Interval / Slots);
        _minimumClock = new SlotClock(time, MinimumSlot);
    }

    /// <summary>Retries that would be granted now. For the gauge; does not round.</summary>
    public double Tokens
    {
        get
        {
            lock (_withdrawing)
            {
                var deposited = SlotWord.Sum(_deposits, _depositClock.Now());
                return MinimumLeft_NeedsLock(_minimumClock.Now()) + ((double)deposited / UnitsPerRetry);
            }
        }
    }

    /// <summary>A request begins: the original, not a retry of it.</summary>
    public void Deposit()
    {
        if (_config.Percent > 0)
        {
            SlotWord.Add(_deposits, _depositClock.Now(), (uint)_config.Percent);
        }
    }

    /// <summary>Whether a retry or a hedge may be sent; it is paid for then, whether or not it is.</summary>
    public bool TryWithdraw()
    {
        lock (_withdrawing)
        {
            // Read within the lock: time does not run backwards among those who withdraw.
            var slot = _minimumClock.Now();
            if (MinimumLeft_NeedsLock(slot) >= 1)
            {
                SlotWord.Add(_minimumSpent, slot, 1);
                return true;
            }

            return TrySpendDeposits_NeedsLock(_depositClock.Now());
        }
    }

    private long MinimumLeft_NeedsLock(uint slot) => _config.MinPerSecond - SlotWord.Sum(_minimumSpent, slot);

    private bool TrySpendDeposits_NeedsLock(uint slot)
    {
        if (SlotWord.Sum(_deposits, slot) < UnitsPerRetry)
        {
            return false;
        }

        var due = UnitsPerRetry;
        for (var age = Slots - 1; age >= 0 && due > 0; age--)
        {
            due -= SlotWord.Take(_deposits, unchecked(slot - (uint)age), due);
        }

        // Falls short only where a deposit of a later slot has just overwritten one that was counted: it had lapsed.
        return due == 0;
    }
}
