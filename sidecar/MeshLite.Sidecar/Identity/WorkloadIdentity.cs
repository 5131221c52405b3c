using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Pki;
using Microsoft.Extensions.Logging;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// Owner of this workload's key, certificate and trust bundle: gets the first certificate by token, renews it in time with
/// itself and the token of that day as proof, keeps it on disk. Readers take <see cref="Current"/> once per handshake and never wait. Writers are
/// <see cref="RunAsync"/>, of which there is one, and <see cref="SetTrustBundle"/> and <see cref="SetSigningKey"/>, called from the configuration stream.
/// <para>A failure leaves what is held in force: connections go on, handshakes too while the certificate is valid.</para>
/// </summary>
internal sealed class WorkloadIdentity
{
    /// <summary>Longest sleep: a clock that was set or stood still is noticed after this.</summary>
    private static readonly TimeSpan MaxSleep = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SvidRequest _request;
    private readonly StateDirectory? _state;
    private readonly RenewalSchedule _schedule;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private volatile WorkloadCertificate? _current;
    private TrustBundle? _streamed;
    private ReadOnlyMemory<byte> _signingKey;
    private DateTimeOffset? _early;
    private volatile string? _problem = "no certificate yet";
    private volatile TaskCompletionSource _wake = NewWake();

    /// <summary>Takes up what an earlier process left in the state directory; asks nobody yet.</summary>
    public WorkloadIdentity(IdentityOptions options, ICertifier certifier, TimeProvider time, Random random, ILogger<WorkloadIdentity> logger)
    {
        _request = new SvidRequest(options, certifier, time);
        _state = options.StateDirectory is { } path ? new StateDirectory(path) : null;
        _schedule = new RenewalSchedule(random);
        _time = time;
        _logger = logger;
        Restore();
    }

    /// <summary>What to show and whom to believe, as of now; null until there is a certificate. May have expired: then peers refuse it.</summary>
    public WorkloadCertificate? Current => _current;

    /// <summary>Completes with the first certificate (at once where one was restored).</summary>
    public Task FirstCertificate => _first.Task;

    /// <summary>Why the last attempt to get a certificate failed; null after one that did not.</summary>
    public string? Problem => _problem;

    /// <summary>Attempts to get a certificate, by outcome: <c>ok</c>, or the gRPC status or kind of failure.</summary>
    public ReasonCounter Attempts { get; } = new();

    /// <summary>Certificate or bundle changed; raised after <see cref="Current"/> has, by the writer. Handlers must be quick.</summary>
    public event Action<WorkloadCertificate>? Changed;

    /// <summary>Roots from the configuration stream. Known ones change nothing; if they no longer cover our own certificate, it is renewed at once.</summary>
    public void SetTrustBundle(TrustBundle bundle)
    {
        WorkloadCertificate next;
        lock (_lock)
        {
            if (bundle.Roots.IsEmpty)
            {
                return; // to believe nobody is no configuration, it is a fault
            }

            _streamed = bundle;
            if (_current is not { } current || current.Bundle.SameAs(bundle))
            {
                return;
            }

            next = current.With(bundle, _time);
            Publish_NeedsLock(next);
            Keep(state => state.SaveBundle(bundle));
        }

        IdentityLog.BundleChanged(_logger, bundle.Roots.Length);
        Changed?.Invoke(next);
        if (!Covers(bundle, next.Context.TargetCertificate, [.. next.Context.IntermediateCertificates]))
        {
            lock (_lock)
            {
                _early = DateTimeOffset.MinValue;
            }

            _wake.TrySetResult();
        }
    }

    /// <summary>Which key signs now, from the configuration stream; empty: nobody says. A certificate of another is renewed within <see cref="RenewalSchedule.Spread"/>.</summary>
    public void SetSigningKey(ReadOnlyMemory<byte> keyId)
    {
        lock (_lock)
        {
            if (_signingKey.Span.SequenceEqual(keyId.Span))
            {
                return;
            }

            _signingKey = keyId;
            if (_current is { } current && _early != DateTimeOffset.MinValue)
            {
                _early = Early_NeedsLock(current);
            }
        }

        _wake.TrySetResult();
    }

    /// <summary>Gets and renews until cancelled; never throws for what happens outside.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if (await WaitAsync(failures, cancellationToken))
                {
                    failures = await TryOnceAsync(failures, cancellationToken) ? 0 : failures + 1;
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                failures++;
                Fail("unexpected", error.Message, error);
            }
        }
    }

    /// <summary>Waits until the next attempt is due; false where it is not due yet (a long wait goes in slices).</summary>
    private async Task<bool> WaitAsync(int failures, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var current = _current;
        var wait = failures > 0
            ? _schedule.Backoff(failures, current is null ? TimeSpan.Zero : current.NotAfter - now)
            : current is null ? TimeSpan.Zero : RenewAt(current) - now;
        if (wait > TimeSpan.Zero)
        {
            var wake = _wake;
            using var sleep = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(wake.Task, Task.Delay(wait < MaxSleep ? wait : MaxSleep, _time, sleep.Token));
            await sleep.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            if (wake.Task.IsCompleted)
            {
                _wake = NewWake();
                return current is null || RenewAt(current) <= _time.GetUtcNow();
            }
        }

        return wait <= MaxSleep;
    }

    private async Task<bool> TryOnceAsync(int failures, CancellationToken cancellationToken)
    {
        var (issued, failure) = await _request.SendAsync(_current, failures, cancellationToken);
        if (issued is null)
        {
            Fail(failure.Kind, failure.Sentence, null);
            return false;
        }

        WorkloadCertificate next;
        using (issued.Key)
        {
            var leaf = issued.Chain[0] = issued.Chain[0].CopyWithPrivateKey(issued.Key);
            X509Certificate2Collection intermediates = [.. issued.Chain.Skip(1)];
            lock (_lock)
            {
                // What the stream said may be newer than this answer, unless it does not even cover the certificate.
                var bundle = _streamed is { } streamed && Covers(streamed, leaf, intermediates) ? streamed : issued.Bundle;
                next = WorkloadCertificate.Create(
                    issued.Id, leaf, intermediates, _schedule.RenewAt(NotBefore(leaf), NotAfter(leaf)), bundle, _time);
                _problem = null;
                Publish_NeedsLock(next);
                _early = Early_NeedsLock(next);
                Keep(state =>
                {
                    state.SaveBundle(bundle);
                    state.Save(issued.Key, issued.Chain);
                });
            }
        }

        Attempts.Increment("ok");
        IdentityLog.Certified(_logger, next.Id, next.NotAfter, next.RenewAt);
        Changed?.Invoke(next);
        return true;
    }

    private void Restore()
    {
        try
        {
            if (_state?.Load() is not { } kept)
            {
                return;
            }

            var leaf = kept.Chain[0];
            var (id, problem) = _request.Judge(leaf, [.. kept.Chain.Skip(1)], kept.Bundle);
            if (id is null)
            {
                IdentityLog.StateIgnored(_logger, problem);
                return;
            }

            lock (_lock)
            {
                _problem = null;
                Publish_NeedsLock(WorkloadCertificate.Create(
                    id, leaf, [.. kept.Chain.Skip(1)], _schedule.RenewAt(NotBefore(leaf), NotAfter(leaf)), kept.Bundle, _time));
            }

            IdentityLog.Restored(_logger, id, NotAfter(leaf));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            IdentityLog.StateIgnored(_logger, error.Message);
        }
    }

    // When its issuer signs no longer. A certificate may come from a replica that does not know that yet: then again, after as long.
    private DateTimeOffset? Early_NeedsLock(WorkloadCertificate certificate) => _signingKey.IsEmpty || certificate.IssuerKey.Span.SequenceEqual(_signingKey.Span)
        ? null
        : _time.GetUtcNow() + _schedule.Spread(certificate.NotBefore, certificate.NotAfter);

    private DateTimeOffset RenewAt(WorkloadCertificate certificate)
    {
        lock (_lock)
        {
            return _early is { } early && early < certificate.RenewAt ? early : certificate.RenewAt;
        }
    }

    private void Publish_NeedsLock(WorkloadCertificate next)
    {
        _current = next;
        _first.TrySetResult();
    }

    // What cannot be kept is lost at the next restart, no sooner: the certificate in memory serves all the same.
    private void Keep(Action<StateDirectory> save)
    {
        try
        {
            if (_state is not null)
            {
                save(_state);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            IdentityLog.StateNotKept(_logger, error.Message);
        }
    }

    private void Fail(string kind, string sentence, Exception? error)
    {
        Attempts.Increment(kind);
        IdentityLog.CertifyFailed(_logger, error, sentence, _current?.NotAfter);
        // Last: whoever reads it in /ready finds it logged and counted.
        _problem = sentence;
    }

    private bool Covers(TrustBundle bundle, X509Certificate2 leaf, X509Certificate2Collection intermediates) =>
        new PeerVerifier(bundle, trustDomain: null, _time).Verify(leaf, intermediates, PeerRole.Server).Id is not null;

    private static TaskCompletionSource NewWake() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static DateTimeOffset NotBefore(X509Certificate2 certificate) => new(certificate.NotBefore.ToUniversalTime());

    private static DateTimeOffset NotAfter(X509Certificate2 certificate) => new(certificate.NotAfter.ToUniversalTime());
}
