using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Protocol.Tests.Pki;

public sealed class SecretFileTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void TryCreate_ExistingFile_LeavesItAlone()
    {
        File.WriteAllText(_directory["a"], "first");

        SecretFile.TryCreate(_directory["a"], "second").ShouldBeFalse();

        File.ReadAllText(_directory["a"]).ShouldBe("first");
        Directory.GetFiles(_directory.Path).ShouldBe([_directory["a"]]);
    }

    [Fact]
    public void TryCreate_ManyAtOnce_ExactlyOneWins()
    {
        // Two may win only where both look within microseconds: so, often.
        for (var round = 0; round < 20; round++)
        {
            var won = 0;
            var path = _directory[$"{round}"];
            Parallel.For(0, 32, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
            {
                if (SecretFile.TryCreate(path, new string((char)('a' + (i % 26)), 1000)))
                {
                    Interlocked.Increment(ref won);
                }
            });

            won.ShouldBe(1);
            File.ReadAllText(path).Distinct().Count().ShouldBe(1);
            File.GetUnixFileMode(path).ShouldBe(OwnerOnly);
        }

        Directory.GetFiles(_directory.Path).Length.ShouldBe(20);
    }

    [Fact]
    public void Replace_FileReadableByAll_BecomesTheOwnersOnly()
    {
        File.WriteAllText(_directory["a"], "first");
        File.SetUnixFileMode(_directory["a"], OwnerOnly | UnixFileMode.OtherRead);

        SecretFile.Replace(_directory["a"], "second");

        File.ReadAllText(_directory["a"]).ShouldBe("second");
        File.GetUnixFileMode(_directory["a"]).ShouldBe(OwnerOnly);
        Directory.GetFiles(_directory.Path).ShouldBe([_directory["a"]]);
    }
}
