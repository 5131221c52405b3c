using MeshLite.Cli.Operator;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using Action = MeshLite.Protocol.V1.ChangeAuthorityRequest.Types.Action;
using Step = MeshLite.Protocol.V1.AuthorityStatus.Types.Step;

namespace MeshLite.Cli.Authority;

/// <summary>
/// Begins what was asked for, then tells each change of the status until nothing is under way any more. A rotation under way is joined. While the control plane is away
/// (it restarts, another replica answers) it is asked again. One command's; one thread.
/// </summary>
internal sealed class RotationWatch(OperatorClient client, OperatorTarget target, TimeProvider time, TextWriter output, TextWriter error)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>The exit code.</summary>
    public async Task<int> RunAsync(ChangeAuthorityRequest request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var begin = time.GetTimestamp();
        var current = client;
        try
        {
            var status = await CaCommand.AskAsync(current, target, cancellationToken);
            if (request.Action != Action.Rotate || status.Step == Step.Steady)
            {
                status = await ChangeAsync(request, cancellationToken);
            }
            else if (request.Key.Length > 0)
            {
                error.WriteLine("meshctl: a rotation is under way already: wait for it, or --abort it");
                return 1;
            }
            else
            {
                output.WriteLine("a rotation is under way already, watching it");
            }

            var told = "";
            while (true)
            {
                var line = AuthorityView.Line(status);
                if (line != told)
                {
                    output.WriteLine(told = line);
                }

                if (status.Step == Step.Steady)
                {
                    return 0;
                }

                if (time.GetElapsedTime(begin) >= timeout)
                {
                    error.WriteLine($"meshctl: not done within {timeout}; it goes on by itself, run this again to watch, or with --abort{Force(status)}");
                    return 1;
                }

                await Task.Delay(Interval, time, cancellationToken);
                (current, status) = await AskAgainAsync(current, status, cancellationToken);
            }
        }
        finally
        {
            if (current != client)
            {
                current.Dispose();
            }
        }
    }

    private static string Force(AuthorityStatus status) => status.Step == Step.Overlap ? ", or --switch-now" : ", or --retire-now";

    // A connection keeps the certificate it began with, and what it trusts: where it is lost, another begins anew.
    private async Task<(OperatorClient Client, AuthorityStatus Status)> AskAgainAsync(OperatorClient current, AuthorityStatus last, CancellationToken cancellationToken)
    {
        try
        {
            return (current, await CaCommand.AskAsync(current, target, cancellationToken));
        }
        catch (OperatorException)
        {
            try
            {
                var next = await OperatorClient.ConnectAsync(target, time, cancellationToken);
                if (current != client)
                {
                    current.Dispose();
                }

                return (next, await CaCommand.AskAsync(next, target, cancellationToken));
            }
            catch (OperatorException problem)
            {
                error.WriteLine($"meshctl: {problem.Message}; trying again");
                return (current, last);
            }
        }
    }

    private async Task<AuthorityStatus> ChangeAsync(ChangeAuthorityRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await client.Channel.UnaryAsync(MeshMethods.OperatorChangeAuthority, request, new GrpcCallOptions { Timeout = TimeSpan.FromSeconds(30) }, cancellationToken);
        }
        catch (GrpcException refusal) when (refusal.Code is GrpcStatusCode.FailedPrecondition or GrpcStatusCode.InvalidArgument)
        {
            throw new OperatorException("authority", refusal.Message, "meshctl ca status says where it is");
        }
        catch (GrpcException refusal)
        {
            throw OperatorException.Of(refusal, target);
        }
    }
}
