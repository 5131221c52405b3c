using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.ControlPlane.Operator;
using MeshLite.Hosting;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Identity.Rotation;

/// <summary>What <c>meshctl ca</c> asks, of whichever replica: the record is changed by compare-and-swap, who leads goes on from there. Thread-safe.</summary>
internal sealed class AuthorityOperations(AuthorityKeeper keeper, TimeProvider time)
{
    /// <summary>Adds the methods.</summary>
    public void MapTo(OperatorGate gate)
    {
        gate.AddUnary(MeshMethods.OperatorAuthority, StatusAsync);
        gate.AddUnary(MeshMethods.OperatorChangeAuthority, ChangeAsync);
    }

    /// <summary>How it is.</summary>
    public async Task<AuthorityStatus> StatusAsync(AuthorityStatusRequest request, GrpcServerCall call) => await StatusAsync(call.CancellationToken);

    /// <summary>Changes it; how it is then.</summary>
    public async Task<AuthorityStatus> ChangeAsync(ChangeAuthorityRequest request, GrpcServerCall call)
    {
        try
        {
            await keeper.ChangeAsync((read, record, now) => Change(request, read, record, now), call.CancellationToken);
        }
        catch (AuthorityStoreException problem)
        {
            throw new GrpcException(GrpcStatusCode.Unavailable, problem.Message);
        }

        return await StatusAsync(call.CancellationToken);
    }

    private AuthorityRecord Change(ChangeAuthorityRequest request, StoredAuthority read, AuthorityRecord record, DateTimeOffset now) => request.Action switch
    {
        ChangeAuthorityRequest.Types.Action.Rotate => Rotate(request, read, record, now),
        ChangeAuthorityRequest.Types.Action.Abort => Abort(record, now),
        ChangeAuthorityRequest.Types.Action.SwitchNow => record.Step == RotationStep.Overlap ? record.Switch(now) : throw Refused("nothing waits for a switch"),
        ChangeAuthorityRequest.Types.Action.RetireNow => record.Step == RotationStep.Retire ? record.Retire(now) : throw Refused("nothing waits to be retired"),
        _ => throw new GrpcException(GrpcStatusCode.InvalidArgument, "no action this version knows"),
    };

    private AuthorityRecord Rotate(ChangeAuthorityRequest request, StoredAuthority read, AuthorityRecord record, DateTimeOffset now)
    {
        if (record.Step != RotationStep.Steady)
        {
            throw Refused("a rotation is under way already: wait for it, or abort it");
        }

        if (keeper.ForeignOwner(read) is { } owner)
        {
            throw Refused(owner);
        }

        var next = request.Key.Length == 0 ? Make() : Parse(request.Key, request.Certificates);
        return next.Root == record.Signer.Root ? throw Refused("that root signs already: put key and certificate in place, and they are used at once") : record.Rotate(next, now);
    }

    private static AuthorityRecord Abort(AuthorityRecord record, DateTimeOffset now) =>
        record.Step == RotationStep.Steady ? throw Refused("there is nothing to take back: no rotation is under way; after retire, only another rotation leads to another root")
        : record.Origin == RotationOrigin.Offer ? throw Refused("this rotation follows what files or Secret hold: put the former key and certificates back there")
        : record.Abort(now) ?? throw Refused("it is being taken back already");

    private AuthorityPart Make()
    {
        var key = CertificateAuthority.MakeKey();
        return Parse(key, CertificateAuthority.MakeRoot(key, "the new root", time));
    }

    private AuthorityPart Parse(string key, string certificates)
    {
        try
        {
            using var authority = CertificateAuthority.FromPem(key, "the key", certificates, "the certificates", time);
            return authority.ToPart();
        }
        catch (StartupException problem)
        {
            throw new GrpcException(GrpcStatusCode.InvalidArgument, problem.Message);
        }
    }

    private async Task<AuthorityStatus> StatusAsync(CancellationToken cancellationToken)
    {
        try
        {
            var (record, progress) = await keeper.StatusAsync(cancellationToken);
            return new AuthorityStatus
            {
                Step = (AuthorityStatus.Types.Step)record.Step, ByCommand = record.Origin == RotationOrigin.Command, Aborted = record.IsAborted,
                CanAbort = record.Origin == RotationOrigin.Command && record.Abort(time.GetUtcNow()) is not null,
                Since = record.Since.ToUnixTimeSeconds(), RetireAt = record.RetireAt?.ToUnixTimeSeconds() ?? 0,
                Signer = RootOf(record.Signer), Next = RootOf(record.Next), Previous = RootOf(record.Previous),
                Roots = { record.Published.Select(RootOf) },
                Sidecars = (uint)progress.Sidecars, WithRoots = (uint)progress.WithRoots, WithIssuer = (uint)progress.WithIssuer,
                WithoutRoots = { progress.WithoutRoots }, WithoutIssuer = { progress.WithoutIssuer }, Unheard = { progress.Unheard },
            };
        }
        catch (AuthorityStoreException problem)
        {
            throw new GrpcException(GrpcStatusCode.Unavailable, problem.Message);
        }
    }

    private static AuthorityRoot? RootOf(AuthorityPart? part) => part is null ? null : RootOf(part.Root);

    private static AuthorityRoot RootOf(string pem)
    {
        using var root = X509Certificate2.CreateFromPem(pem);
        return new AuthorityRoot
        {
            Subject = root.Subject, Fingerprint = root.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant(), EndsAt = new DateTimeOffset(root.NotAfter.ToUniversalTime()).ToUnixTimeSeconds(),
        };
    }

    private static GrpcException Refused(string why) => new(GrpcStatusCode.FailedPrecondition, why);
}
