using System.Net;
using System.Runtime.InteropServices;

namespace MeshLite.ControlPlane.Listeners;

/// <summary>
/// How much of something costly is done at once for callers whom nobody knows: in all, and for one address. Others wait in the order they came, so
/// many, past those whose address has its share. Thread-safe.
/// </summary>
/// <param name="total">At once.</param>
/// <param name="ofOne">At once, for one address.</param>
/// <param name="waiting">That may wait.</param>
internal sealed class CallerSlots(int total, int ofOne, int waiting)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = new();
    private readonly Dictionary<IPAddress, int> _takenBy = [];
    private int _taken;

    /// <summary>Waits for a slot, to be given back by <see cref="Leave"/>; false: too many wait already.</summary>
    public ValueTask<bool> EnterAsync(IPAddress address, CancellationToken cancellationToken)
    {
        LinkedListNode<Waiter> waiter;
        lock (_lock)
        {
            if (TryTake_NeedsLock(address))
            {
                return ValueTask.FromResult(true);
            }

            if (_waiters.Count >= waiting)
            {
                return ValueTask.FromResult(false);
            }

            waiter = _waiters.AddLast(new Waiter(address));
        }

        return new ValueTask<bool>(WaitAsync(waiter, cancellationToken));
    }

    /// <summary>Gives a slot back.</summary>
    public void Leave(IPAddress address)
    {
        lock (_lock)
        {
            _taken--;
            ref var ofAddress = ref CollectionsMarshal.GetValueRefOrNullRef(_takenBy, address);
            if (--ofAddress == 0)
            {
                _takenBy.Remove(address);
            }

            for (var waiter = _waiters.First; waiter is not null; waiter = waiter.Next)
            {
                if (TryTake_NeedsLock(waiter.Value.Address))
                {
                    _waiters.Remove(waiter);
                    waiter.Value.Done.SetResult(true);
                    return;
                }
            }
        }
    }

    private async Task<bool> WaitAsync(LinkedListNode<Waiter> waiter, CancellationToken cancellationToken)
    {
        using var leaving = cancellationToken.UnsafeRegister(_ => GiveUp(waiter, cancellationToken), null);
        return await waiter.Value.Done.Task;
    }

    private void GiveUp(LinkedListNode<Waiter> waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (waiter.List is not null)
            {
                _waiters.Remove(waiter);
                waiter.Value.Done.SetCanceled(cancellationToken);
            }
        }
    }

    private bool TryTake_NeedsLock(IPAddress address)
    {
        var ofAddress = _takenBy.GetValueOrDefault(address);
        if (_taken >= total || ofAddress >= ofOne)
        {
            return false;
        }

        _taken++;
        _takenBy[address] = ofAddress + 1;
        return true;
    }

    private sealed class Waiter(IPAddress address)
    {
        public IPAddress Address => address;

        public TaskCompletionSource<bool> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
