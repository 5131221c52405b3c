using MeshLite.Hosting;
using MeshLite.Protocol.Pki;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Identity.Rotation;

/// <summary>
/// Keeps the authority: puts into force what is recorded, and, where this process leads, takes up what is offered and takes the next step when it is time.
/// The one writer of <see cref="IdentityModule"/>'s authority: its loop and commands take turns. What fails leaves the last good one in force.
/// </summary>
/// <param name="store">Where it is offered and recorded.</param>
/// <param name="module">Whose authority it is.</param>
/// <param name="leads">Whether this process may record: not before it knows the MeshConfig, whose <c>certificateLifetime</c> is recorded too.</param>
/// <param name="progress">How far what is in force has come among sidecars.</param>
/// <param name="times">Times.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Log.</param>
internal sealed class AuthorityKeeper(
    IAuthorityStore store, IdentityModule module, Func<bool> leads, Func<AuthorityInForce, CancellationToken, Task<AuthorityProgress>> progress,
    AuthorityTimes times, TimeProvider time, ILogger logger)
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private string _inForce = "";
    private AuthorityOffer? _lastOffer;
    private AuthorityPart? _lastParsed;
    private string _refused = "";
    private (DateTimeOffset Step, DateTimeOffset At)? _completeSince;
    private long _refusals;

    /// <summary>Offers that were no authority.</summary>
    public long Refusals => Interlocked.Read(ref _refusals);

    /// <summary>Looks, and looks again whenever something may have changed, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var isSettled = await LookAsync(cancellationToken);
            await store.WaitAsync(isSettled ? times.SteadyInterval : times.Interval, cancellationToken);
        }
    }

    /// <summary>Looks once; false: something is under way, look again soon.</summary>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await LookInTurnAsync(cancellationToken);
        }
        catch (AuthorityStoreException problem)
        {
            Refuse(problem.Message);
            return false;
        }
        catch (Exception problem) when (problem is not OperationCanceledException)
        {
            // The root of the loop: what nobody thought of must not end the process, whose authority is good.
            Refuse(problem.Message, error: problem);
            return false;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Makes a change that a command asks for, whoever leads: <paramref name="change"/> gets the record and answers the next, or throws what the caller is to be
    /// told. Throws <see cref="AuthorityStoreException"/> where it could not be recorded.
    /// </summary>
    public async Task ChangeAsync(Func<StoredAuthority, AuthorityRecord, DateTimeOffset, AuthorityRecord> change, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            // A few tries: whoever leads may record at the same moment.
            for (var i = 0; i < 5; i++)
            {
                var read = await store.ReadAsync(cancellationToken);
                var record = read.Record ?? throw new AuthorityStoreException("no authority is recorded yet; try again");
                var next = Mirrored(
                    WithinBounds(change(read, record, time.GetUtcNow())) ?? throw new AuthorityStoreException($"there would be more than {TrustBundle.MaxRoots} roots"));
                if (await store.TrySaveAsync(read, next, cancellationToken))
                {
                    Use(next);
                    return;
                }
            }

            throw new AuthorityStoreException($"{store.Origin} changes all the time; try again");
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What is recorded, and how far it has come; for operators.</summary>
    public async Task<(AuthorityRecord Record, AuthorityProgress Progress)> StatusAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        AuthorityRecord record;
        try
        {
            record = (await store.ReadAsync(cancellationToken)).Record ?? throw new AuthorityStoreException("no authority is recorded yet; try again");
        }
        finally
        {
            _turn.Release();
        }

        return (record, await progress(module.Authority, cancellationToken));
    }

    /// <summary>Why no command may rotate; null: it may.</summary>
    public string? ForeignOwner(StoredAuthority read) => store.ForeignOwner(read);

    private async Task<bool> LookInTurnAsync(CancellationToken cancellationToken)
    {
        var read = await store.ReadAsync(cancellationToken);
        if (read.Offer is null && read.Record is null)
        {
            return true; // not seen yet, or gone: what is in force stays
        }

        var offered = Parse(read);
        var now = time.GetUtcNow();
        // Nothing recorded: begun with what is in force, so that even what changed before the first record is a change.
        var record = read.Record ?? First(now);
        if (!leads())
        {
            _completeSince = null;
            Use(record);
            return record.Step == RotationStep.Steady && read.Record is not null && (offered is null || offered.Fingerprint == record.Offered);
        }

        var next = record.WithLifetime(module.Settings.ClampedLifetime, now);
        if (offered is not null && offered.Fingerprint != record.Offered)
        {
            next = WithinBounds(next.Offer(offered, offered.Fingerprint, now)) ?? next;
        }

        // Counted is what is in force, so that comes first.
        if (ReferenceEquals(next, record) && read.Record is not null)
        {
            Use(record);
            next = await AdvanceAsync(record, now, cancellationToken);
        }

        if (ReferenceEquals(next, record) && read.Record is not null)
        {
            return record.Step == RotationStep.Steady;
        }

        next = Mirrored(next);
        if (await store.TrySaveAsync(read, next, cancellationToken))
        {
            Use(next);
        }

        return false;
    }

    private AuthorityRecord First(DateTimeOffset now)
    {
        var inForce = module.Authority.Signer.ToPart();
        return AuthorityRecord.Begin(inForce, inForce.Fingerprint, now);
    }

    /// <summary>The next step, if it is time for it.</summary>
    private async Task<AuthorityRecord> AdvanceAsync(AuthorityRecord record, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (record.Step == RotationStep.Steady)
        {
            _completeSince = null;
            return record;
        }

        var seen = await progress(module.Authority, cancellationToken);
        now = time.GetUtcNow();
        if (record.Step == RotationStep.Retire)
        {
            return seen.IsRenewalDone && now >= record.RetireAt ? record.Retire(now) : record;
        }

        _completeSince = !seen.IsOverlapDone ? null : _completeSince is { } since && since.Step == record.Since ? since : (record.Since, now);
        if (_completeSince is { } complete && now - complete.At >= times.Hold)
        {
            return record.Switch(now);
        }

        if (record.Origin == RotationOrigin.Offer && now >= LatestSwitch(record))
        {
            IdentityLog.OverlapCutShort(logger, seen.WaitingFor(roots: true));
            return record.Switch(now);
        }

        return record;
    }

    // Whoever does not take the root is left behind rather than all others without certificates.
    private DateTimeOffset LatestSwitch(AuthorityRecord record)
    {
        var byItself = record.Since + times.LongestOverlap;
        var byNeed = module.Authority.Signer.NotAfter - record.Lifetime;
        var latest = byNeed < byItself ? byNeed : byItself;
        return latest < record.Since + times.Hold ? record.Since + times.Hold : latest;
    }

    // More than sidecars take is as bad as none.
    private AuthorityRecord? WithinBounds(AuthorityRecord next)
    {
        if (next.Published.Count <= TrustBundle.MaxRoots)
        {
            return next;
        }

        Refuse($"{store.Origin}: {next.Published.Count} roots together with those still needed, more than {TrustBundle.MaxRoots}", isOffer: true);
        return null;
    }

    private AuthorityRecord Mirrored(AuthorityRecord next) =>
        store.Mirrors(next.Origin) && next.Mirror is { Fingerprint: var fingerprint } && fingerprint != next.Offered ? next with { Offered = fingerprint, IsMirrorDue = true } : next;

    private AuthorityPart? Parse(StoredAuthority read)
    {
        if (read.Offer is not { } offer)
        {
            return null;
        }

        if (offer == _lastOffer)
        {
            return _lastParsed;
        }

        (_lastOffer, _lastParsed) = (offer, null);
        try
        {
            using var authority = CertificateAuthority.FromPem(offer.Key, offer.KeyOrigin, offer.Certificates, offer.CertificatesOrigin, time);
            _refused = "";
            return _lastParsed = authority.ToPart();
        }
        catch (StartupException problem)
        {
            Refuse(problem.Message, isOffer: true);
            return null;
        }
    }

    // The same problem is told once.
    private void Refuse(string problem, bool isOffer = false, Exception? error = null)
    {
        if (problem == _refused)
        {
            return;
        }

        _refused = problem;
        if (isOffer)
        {
            Interlocked.Increment(ref _refusals);
            IdentityLog.AuthorityRefused(logger, problem);
        }
        else
        {
            IdentityLog.AuthorityNotStored(logger, error, problem);
        }
    }

    private void Use(AuthorityRecord record)
    {
        var id = string.Join('|', record.Published.Prepend(record.ServerSigner.Fingerprint).Prepend(record.Signer.Fingerprint).Prepend(record.Step.ToString()));
        if (id == _inForce)
        {
            return;
        }

        try
        {
            var next = AuthorityInForce.From(record, store.Origin, time);
            _inForce = id;
            module.Use(next);
            IdentityLog.AuthorityChanged(logger, record.Step, next.Bundle.Roots.Length, next.Signer.NotAfter);
        }
        catch (StartupException problem)
        {
            // The signer has expired, and nobody offered another in time: what is in force expires with it.
            Refuse(problem.Message);
        }
    }
}
